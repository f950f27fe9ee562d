/* SPDX-License-Identifier: MIT
 *
 * How the server reaches the shim of a task attempt. Any thread.
 */
#ifndef DROVER_ENGINES_LOCAL_SHIM_CALL_H
#define DROVER_ENGINES_LOCAL_SHIM_CALL_H

#include <signal.h>

struct record;

#define SHIM_LISTEN SIGUSR1 /* to a shim: be there at `ctl`, in the folder of the attempt */

/* Reads the record file `name` ("shim", "exit") in the attempt's folder. 0, or -1: there is none, or not of this one.
 */
int shim_record(int dir, const char *name, const char *attempt, struct record *r);

/* Connects to the shim that the record tells of. Few servers are ever restarted under a task, so a shim does not listen
 * before it is asked to: then this is -1 with EAGAIN, and soon afterwards it is there. A descriptor, or -1 with errno.
 */
int shim_call(int dir, const struct record *r);

#endif
