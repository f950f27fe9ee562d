/* SPDX-License-Identifier: MIT
 *
 * Telling the service manager (systemd's sd_notify protocol), where there is one.
 */
#ifndef DROVER_SERVER_NOTIFY_H
#define DROVER_SERVER_NOTIFY_H

/* Sends "READY=1", "STOPPING=1", "WATCHDOG=1" or "STATUS=..." to $NOTIFY_SOCKET; does nothing without it. Any thread.
 */
void notify_send(const char *message);

#endif
