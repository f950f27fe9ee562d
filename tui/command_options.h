/* SPDX-License-Identifier: MIT
 *
 * The verbs' option tables, for the command table alone. Each ends with a row of zeros.
 */
#ifndef DROVER_TUI_COMMAND_OPTIONS_H
#define DROVER_TUI_COMMAND_OPTIONS_H

#include "tui/command.h"

extern const struct command_option command_options_global[];
extern const struct command_option command_options_submit[];
extern const struct command_option command_options_sbatch[];
extern const struct command_option command_options_squeue[];
extern const struct command_option command_options_scancel[];
extern const struct command_option command_options_users_import[];
extern const struct command_option command_options_image_import[];
extern const struct command_option command_options_jobs[];
extern const struct command_option command_options_logs[];
extern const struct command_option command_options_files[];
extern const struct command_option command_options_scalars[];
extern const struct command_option command_options_exec[];
extern const struct command_option command_options_ssh_proxy[];
extern const struct command_option command_options_wait[];
extern const struct command_option command_options_events[];
extern const struct command_option command_options_login[];
extern const struct command_option command_options_vc[];
extern const struct command_option command_options_reservations[];
extern const struct command_option command_options_snooze[];
extern const struct command_option command_options_silence[];
extern const struct command_option command_options_reservation[];
extern const struct command_option command_options_mark[];
extern const struct command_option command_options_events_of[];
extern const struct command_option command_options_maintenance[];
extern const struct command_option command_options_storage[];
extern const struct command_option command_options_template[];
extern const struct command_option command_options_group[];
extern const struct command_option command_options_token[];
extern const struct command_option command_options_notify[];
extern const struct command_option command_options_webhook[];
extern const struct command_option command_options_tui[];
extern const struct command_option command_options_user_add[];
extern const struct command_option command_options_user_set[];
extern const struct command_option command_options_passwd[];
extern const struct command_option command_options_audit[];
extern const struct command_option command_options_report[];

#endif
