/* SPDX-License-Identifier: MIT
 *
 * The options of the verbs. How a verb sends them is with the verb.
 */
#include "tui/command_options.h"

#include "tui/command.h"

#define USER_OPTIONS                                                                                                   \
    {0, "email", "ADDRESS", NULL, "The address."},                                                                     \
        {0, "groups", "NAMES", NULL, "The groups, in place of those there are."},                                      \
        {0, "vcs", "NAMES", NULL, "Virtual clusters to submit to: the groups of these names."},                        \
        {0, "admin", "WHETHER", "yes no", "Whether the user is an admin."},                                            \
        {0, "days", "N", NULL, "The user ends so many days from now; 0: never."},                                      \
        {0, "user-disk", "MB", NULL, "What the user may keep on a node; 0: as VC or site say."},                       \
    {                                                                                                                  \
        0, NULL, NULL, NULL, NULL                                                                                      \
    }

#define STATES "waiting running stopping succeeded failed stopped"

const struct command_option command_options_global[] = {
    {'o', "output", "FORMAT", "table wide json yaml name csv", "How to print."},
    {0, "columns", "LIST", NULL, "Only these columns of a table, in this order, separated by commas."},
    {'w', "watch", NULL, NULL, "Of a command that lists: go on, and print again what changed, until Ctrl-C."},
    {0, "context", "NAME", NULL, "The context to use, see drover context."},
    {0, "timeout", "SECONDS", NULL, "How long to wait for an answer (30)."},
    {0, "absolute", NULL, NULL, "Times in full instead of relative to now."},
    {0, "color", "WHEN", "always never auto", "Colour."},
    {0, "no-color", NULL, NULL, "The same as --color never."},
    {'h', "help", NULL, NULL, "Help for this command."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_submit[] = {
    {0, "name", "NAME", NULL, "Submit under this name instead of the one in the file."},
    {0, "suffix", NULL, NULL, "Add a dash and four random characters to the name."},
    {'p', "parameter", "KEY=VALUE", NULL, "Set a parameter of the job; may be repeated."},
    {0, "code", "PATH", NULL,
     "Send a folder (without what its .droverignore names) or a tar archive; each task begins in it."},
    {0, "wait", NULL, NULL, "Wait for the job's end; exit 8 unless it succeeds."},
    {'f', "follow", NULL, NULL, "Print the log while it runs; implies --wait."},
    {0, "propagate-exit-code", NULL, NULL, "Exit with the failed task's own code instead of 8."},
    {0, "wait-timeout", "SECONDS", NULL, "Stop waiting after this long, with exit 7; the job goes on."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_users_import[] = {
    {0, "dry-run", NULL, NULL, "Check everything, change nothing."},
    {0, "action", "ACTION", "create update disable delete", "What to do with rows that do not say (create)."},
    {0, "good-rows", NULL, NULL, "Import the good rows where others are refused; else all or nothing."},
    {0, "invite", "HOW", "none mail sheet",
     "How new users without a password get to one: a link by mail, or on paper."},
    {0, "allow-admin", NULL, NULL, "Let rows make and change admins."},
    {0, "result", "FILE", NULL, "Write what became of each row, as CSV without passwords."},
    {0, "sheet", "FILE", NULL, "With --invite sheet: write the invitations, to print; they are shown this once."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_image_import[] = {
    {0, "ref", "NAME", NULL, "Which image of an OCI layout that holds several."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_jobs[] = {
    {'u', "user", "NAMES", NULL, "Jobs of these users, separated by commas."},
    {'a', "all", NULL, NULL, "Jobs of everybody, not only your own."},
    {0, "vc", "NAMES", NULL, "Jobs of these virtual clusters."},
    {'s', "state", "STATES", NULL, "Jobs in these states: " STATES "."},
    {'k', "keyword", "TEXT", NULL, "Jobs with this in the name, user or virtual cluster."},
    {0, "sort", "FIELD", "name submitted user vc retries tasks gpus state completed priority", "Order; newest first."},
    {'r', "reverse", NULL, NULL, "The other way round."},
    {'n', "limit", "N", NULL, "At most so many (50)."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_logs[] = {
    {'f', "follow", NULL, NULL, "Go on printing until the task ends; exit 8 if the job failed."},
    {0, "role", "ROLE", NULL, "Only tasks of this role."},
    {0, "index", "N", NULL, "Only the task of this index."},
    {0, "attempt", "N", NULL, "This attempt of the job (the last)."},
    {0, "task-attempt", "N", NULL, "This attempt of the task (the last)."},
    {0, "stream", "WHICH", "all stdout stderr", "Which stream."},
    {0, "tail", NULL, NULL, "Only the last 16 KiB."},
    {0, "raw", NULL, NULL, "Every byte as it is, on a terminal too."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_files[] = {
    {0, "role", "ROLE", NULL, "Of a task of this role."},
    {0, "index", "N", NULL, "Of the task of this index."},
    {0, "attempt", "N", NULL, "Of this attempt of the job (the last)."},
    {0, "task-attempt", "N", NULL, "Of this attempt of the task (the last)."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_scalars[] = {
    {0, "tag", "TAG", NULL, "Only this tag."},
    {0, "points", "N", NULL, "The values themselves, at most so many of each tag (2 to 1000)."},
    {0, "role", "ROLE", NULL, "Of tasks of this role (all)."},
    {0, "index", "N", NULL, "Of the tasks of this index (all)."},
    {0, "attempt", "N", NULL, "Of this attempt of the job (all)."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_exec[] = {
    {'t', "tty", NULL, NULL, "Give the command a terminal, as drover shell does."},
    {0, "role", "ROLE", NULL, "In a task of this role."},
    {0, "index", "N", NULL, "In the task of this index."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_ssh_proxy[] = {
    {0, "role", "ROLE", NULL, "To a task of this role."},
    {0, "index", "N", NULL, "To the task of this index."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_wait[] = {
    {0, "for", "STATES", NULL,
     "Wait for one of these instead, as state=running,succeeded; exit 8 if it ends otherwise."},
    {0, "propagate-exit-code", NULL, NULL, "Exit with the failed task's own code instead of 8."},
    {0, "wait-timeout", "SECONDS", NULL, "Stop waiting after this long, with exit 7."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_events[] = {
    {0, "type", "TYPE", "Normal Warning", "Only events of this type."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_login[] = {
    {'u', "user", "NAME", NULL, "Your name on the server."},
    {0, "password-file", "FILE", NULL, "Read the password from the first line of a file; - is standard input."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_vc[] = {
    {0, "gpus", "SKU=N,...", NULL, "GPUs that are promised to it."},
    {0, "pin", "NODES", NULL, "Nodes that are its alone."},
    {0, "borrow", "N", NULL, "GPUs it may hold beyond its promise."},
    {0, "user-cap", "N", NULL, "GPUs that one user may hold in it; 0: any."},
    {0, "cpus", "N", NULL, "CPUs for tasks without GPUs; 0: any."},
    {0, "max-time", "SECONDS", NULL, "How long a job may run; 0: as it likes."},
    {0, "max-gpus", "N", NULL, "GPUs of one job; 0: any."},
    {0, "max-jobs", "N", NULL, "Unfinished jobs at a time; 0: any."},
    {0, "keep-logs", "DAYS", NULL, "How long logs are kept after their end; 0: as the site says."},
    {0, "user-disk", "MB", NULL, "What a user may keep on a node; 0: as the site says."},
    {0, "debug", "WHEN", "asked off userFailure", "For whom there are debug reservations."},
    {0, "debug-minutes", "N", NULL, "How long one may last, with all extensions; 0: 240."},
    {0, "debug-per-user", "N", NULL, "How many one user may have at a time; 0: 1."},
    {0, "debug-total", "N", NULL, "How many there may be at a time; 0: 8."},
    {0, "debug-reclaim", "YES-NO", "yes no", "Whether guaranteed work takes their GPUs back."},
    {0, "idle-file", "FILE", NULL, "What is done about GPUs that are not used, a JSON object; none: as the site says."},
    {0, "parent", "VC", NULL, "Whose promise its own is part of."},
    {0, "read", "WHOSE", "open own", "Whose jobs its users see."},
    {0, "preemption", "HOW", "stop lazy", "How a guaranteed job of its own is made room for."},
    {0, "description", "TEXT", NULL, "What it is for."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_reservations[] = {
    {0, "state", "STATE", "live all", "Those that are live, or all; live by default."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_snooze[] = {
    {0, "hours", "N", NULL, "For how long from now; up to the maximum of its virtual cluster, admins beyond."},
    {0, "reason", "TEXT", NULL, "Why its GPUs are not used, in one line."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_silence[] = {
    {0, "hours", "N", NULL, "For how long from now; one by default."},
    {0, "reason", "TEXT", NULL, "Why nobody is to be told."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_reservation[] = {
    {0, "minutes", "N", NULL, "How much longer."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_mark[] = {
    {0, "reason", "TEXT", NULL, "Why, for the node's history."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_events_of[] = {
    {0, "before", "ID", NULL, "Only what is older than this event."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_maintenance[] = {
    {0, "node", "NODE,...", NULL, "The nodes."},
    {0, "all", NULL, NULL, "All nodes, also those that come later."},
    {0, "start", "TIME", NULL, "When it begins: \"2026-12-01 08:00\" (UTC), +90m, +2h, +3d or now."},
    {0, "end", "TIME", NULL, "When it is over, likewise."},
    {0, "on-start", "WORD", "wait stop", "What runs there then goes on to its end, or is stopped."},
    {0, "reason", "TEXT", NULL, "Why."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_storage[] = {
    {0, "kind", "KIND", "local nfs smb s3 hdfs", "What it is."},
    {0, "path", "PATH", NULL, "Its folder; of nfs and hdfs, there."},
    {0, "server", "HOST", NULL, "The server, of nfs."},
    {0, "address", "ADDRESS", NULL, "Where it is, of smb and hdfs."},
    {0, "endpoint", "URL", NULL, "Where it is, of s3."},
    {0, "bucket", "NAME", NULL, "The bucket, of s3."},
    {0, "prefix", "TEXT", NULL, "What names in the bucket begin with."},
    {0, "host-path", "PATH", NULL, "Where the nodes have mounted it; not for local."},
    {0, "read-only", NULL, NULL, "Tasks may not write."},
    {0, "own-folders", NULL, NULL, "Each user sees the folder of that name in it only."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_template[] = {
    {0, "title", "TEXT", NULL, "One line for the list."},
    {0, "description", "TEXT", NULL, "What it does."},
    {0, "visibility", "WHO", "private group public", "Who may use it (private)."},
    {0, "group", "GROUP", NULL, "One of your groups, for --visibility group."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_group[] = {
    {0, "description", "TEXT", NULL, "What it is for."},
    {0, "vcs", "NAMES", NULL, "Virtual clusters that members submit to."},
    {0, "manages", "NAMES", NULL, "Virtual clusters that members are VC admin of."},
    {0, "storages", "NAMES", NULL, "Storages that members mount; the first is a default."},
    {0, "admin", "WHETHER", "yes no", "Members are admins."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_token[] = {
    {0, "days", "N", NULL, "It ends so many days from now; else never."},
    {0, "read-only", NULL, NULL, "It changes nothing."},
    {0, NULL, NULL, NULL, NULL},
};

#define KINDS                                                                                                          \
    "started, succeeded, failed, stopped, retried, preempted, idle, limitNear, reservation, reservationEnding, alert"

const struct command_option command_options_notify[] = {
    {0, "mail", "KINDS", NULL, "What goes by mail, separated by commas, or none: " KINDS "."},
    {0, "started-after", "MINUTES", NULL, "A start is told when the job waited for so long."},
    {0, "quiet", "HOURS", NULL, "When no mail comes, such as 22:00-07:00; none."},
    {0, "utc-offset", "OFFSET", NULL, "Of your clock, such as +08:00."},
    {0, "digest", "MINUTES", NULL, "Mails are collected for so long and come as one; 0: each by itself."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_webhook[] = {
    {0, "kinds", "KINDS", NULL, "What it hears of (failed): " KINDS "."},
    {0, "shape", "SHAPE", "json slack teams", "What its receiver reads (json)."},
    {0, "quiet", NULL, NULL, "Your quiet hours hold for it."},
    {0, "off", NULL, NULL, "It is sent nothing."},
    {0, "new-secret", NULL, NULL, "The old secret ends; the new one is printed."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_tui[] = {
    {0, "demo", NULL, NULL, "Recorded replies instead of a server."},
    {0, "readonly", NULL, NULL, "Nothing that changes anything."},
    {0, "plain", NULL, NULL, "Lines instead of a screen, for screen readers; default where TERM is dumb."},
    {0, "ascii", NULL, NULL, "No character beyond ASCII in the frame."},
    {0, "theme", "NAME", "default light contrast mono", "Colours."},
    {0, "no-mouse", NULL, NULL, "Leave the mouse to the terminal; the key m switches it."},
    {'a', "all", NULL, NULL, "Begin with the jobs of everybody."},
    {0, "view", "NAME", "jobs overview vcs nodes gpus", "Begin with this view; admins begin with the overview."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_user_add[] = {
    {0, "password-file", "FILE", NULL, "Read the password from the first line of a file; - is standard input."},
    USER_OPTIONS,
};

const struct command_option command_options_user_set[] = {
    {0, "password-file", "FILE", NULL, "A new password, from the first line of a file; - is standard input."},
    {0, "disabled", "WHETHER", "yes no", "Whether the user may not log in."},
    USER_OPTIONS,
};

const struct command_option command_options_passwd[] = {
    {0, "old-password-file", "FILE", NULL, "The password until now, from the first line of a file."},
    {0, "password-file", "FILE", NULL, "The new one, from the first line of a file; - is standard input."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_report[] = {
    {0, "by", "KEYS", NULL, "Rows by these, a comma list: vc (default), user, job, node, model, day."},
    {0, "days", "N", NULL, "Of the last so many days (7)."},
    {0, "from", "DATE", NULL, "From the begin of this day (UTC), as 2026-11-01."},
    {0, "to", "DATE", NULL, "Before the begin of this day; now."},
    {0, "sort", "FIGURE", NULL, "Rows in falling order of it, as wastedGpuHours; docs/REPORTS.md names them."},
    {0, "top", "N", NULL, "At most so many rows."},
    {0, "html", NULL, NULL, "The server's page instead, to print or to send; goes to a file."},
    {0, NULL, NULL, NULL, NULL},
};

const struct command_option command_options_audit[] = {
    {'u', "user", "NAME", NULL, "What this user did."},
    {0, "ip", "ADDRESS", NULL, "What came from this address."},
    {0, "method", "METHOD", "POST PUT DELETE", "Calls of this method."},
    {0, "route", "PATTERN", NULL, "Calls of this route, as the API's description writes it."},
    {0, "status", "N", NULL, "Calls with this answer."},
    {0, "code", "NAME", NULL, "Calls refused with this code."},
    {0, "days", "N", NULL, "Of the last so many days."},
    {0, "before", "ID", NULL, "Records before this one."},
    {'n', "limit", "N", NULL, "At most so many (100)."},
    {0, NULL, NULL, NULL, NULL},
};
