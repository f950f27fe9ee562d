/* SPDX-License-Identifier: MIT
 *
 * The program that stands at the port of a job's TensorBoard: it starts TensorBoard for the first request, passes bytes
 * on, stops it after so many seconds without any, and starts it again for the next request. Python, which is there
 * where TensorBoard is; for `python3 -I -c DOOR PORT SECONDS COMMAND...`, without a single quote in it.
 */
#ifndef DROVER_JOBS_TENSORBOARD_DOOR_H
#define DROVER_JOBS_TENSORBOARD_DOOR_H

extern const char tensorboard_door[];

#endif
