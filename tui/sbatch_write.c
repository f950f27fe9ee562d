/* SPDX-License-Identifier: MIT
 *
 * The job that a batch script asks for. A node is a task: --nodes tasks of one role, each with --ntasks / --nodes times
 * --cpus-per-task CPUs, the memory and the GPUs of a node. Its command writes the script into the task's folder, sets
 * what Slurm would have set, and becomes the interpreter.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "tui/sbatch.h"

#define MEMORY_OF_CPU_MB 2048 /* where --mem says nothing */
#define COMMAND_MAX ((size_t)1 << 20)

/* ---- the tree ---- */

struct writer {
    struct arena *a;
    bool bad; /* out of memory */
};

static struct doc *add(struct writer *w, struct doc *to, const char *key, enum doc_type type)
{
    struct doc *d = arena_calloc(w->a, 1, sizeof *d), **end = &to->first;

    if (!d) {
        w->bad = true;
        return to;
    }
    d->key = key;
    d->type = type;
    while (*end)
        end = &(*end)->next;
    *end = d;
    to->count++;
    return d;
}

static void add_text(struct writer *w, struct doc *to, const char *key, const char *text)
{
    struct doc *d = add(w, to, key, DOC_STRING);

    if (w->bad || !text) {
        w->bad = true;
        return;
    }
    d->text = text;
    d->text_len = strlen(text);
}

static void add_number(struct writer *w, struct doc *to, const char *key, int64_t n)
{
    struct doc *d = add(w, to, key, DOC_INT);

    if (w->bad)
        return;
    d->integer = n;
    d->number = (double)n;
    d->text = arena_printf(w->a, "%lld", (long long)n);
    d->text_len = d->text ? strlen(d->text) : 0;
    w->bad = !d->text;
}

static void add_true(struct writer *w, struct doc *to, const char *key)
{
    struct doc *d = add(w, to, key, DOC_BOOL);

    if (w->bad)
        return;
    d->integer = 1;
    d->text = "true";
    d->text_len = 4;
}

/* ---- sums ---- */

/* What one node has. */
struct share {
    int64_t nodes, tasks, cpus, gpus, memory_mb;
};

static int fail_at(struct err *e, int line, const char *text)
{
    (void)err_set(e, ERR_INVALID_PROTOCOL, "%s", text);
    e->line = line;
    return -1;
}

static int share_of(const struct sbatch *s, struct share *out, struct err *e)
{
    *out = (struct share){.nodes = s->nodes ? s->nodes : 1};
    if (s->tasks && s->tasks < out->nodes)
        return fail_at(e, s->tasks_line, "--ntasks: there are fewer tasks than nodes.");
    out->tasks = s->tasks ? (s->tasks + out->nodes - 1) / out->nodes : 1;
    out->cpus = out->tasks * (s->cpus ? s->cpus : 1);
    out->gpus = s->gpus_of_node > 0 ? s->gpus_of_node : 0;
    if (s->gpus >= 0 && s->gpus % out->nodes)
        return fail_at(e, s->gpus_line, "--gpus: the GPUs of the job cannot be shared evenly among its nodes.");
    if (s->gpus >= 0 && s->gpus_of_node >= 0 && s->gpus != s->gpus_of_node * out->nodes)
        return fail_at(e, s->gpus_line, "--gpus and --gres say different numbers of GPUs.");
    if (s->gpus >= 0)
        out->gpus = s->gpus / out->nodes;
    out->memory_mb = s->memory_mb ? s->memory_mb : out->cpus * MEMORY_OF_CPU_MB;
    return 0;
}

/* ---- the command ---- */

/* A word in quotes for the shell. */
static void quote(struct buf *out, const char *text)
{
    (void)buf_addc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            (void)buf_adds(out, "'\\''");
        else
            (void)buf_addc(out, *text);
    }
    (void)buf_addc(out, '\'');
}

/* A file name with the patterns that sbatch_values.c lets through. */
static void pattern(struct arena *a, struct buf *out, const char *text)
{
    static const struct {
        char letter;
        const char *word;
    } words[] = {{'x', "$SLURM_JOB_NAME"}, {'j', "$SLURM_JOB_ID"}, {'A', "$SLURM_JOB_ID"}, {'u', "$PAI_USER_NAME"},
                 {'N', "$(uname -n)"},     {'n', "$SLURM_NODEID"}, {'t', "$SLURM_PROCID"}, {'%', "%"}};

    while (*text) {
        size_t len = strcspn(text, "%");
        const char *plain = arena_strndup(a, text, len);

        if (len && plain)
            quote(out, plain);
        text += len;
        if (!*text)
            break;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (words[i].letter == text[1])
                (void)buf_addf(out, "\"%s\"", words[i].word);
        text += 2;
    }
}

/* A line that is none of the script's. */
static const char *delimiter(struct arena *a, const char *script)
{
    const char *mark = "END_OF_SCRIPT";

    for (int i = 0; mark && strstr(script, mark); i++)
        mark = arena_printf(a, "END_OF_SCRIPT_%d", i);
    return mark;
}

static void add_variables(const struct sbatch *s, const struct share *n, const struct sbatch_run *run, struct buf *out)
{
    (void)buf_adds(out, "export SLURM_JOB_ID=\"$PAI_JOB_NAME\" SLURM_JOB_NAME=");
    quote(out, s->name);
    (void)buf_addf(out, " SLURM_JOB_NUM_NODES=%lld SLURM_NNODES=%lld SLURM_NTASKS=%lld SLURM_CPUS_ON_NODE=%lld",
                   (long long)n->nodes, (long long)n->nodes, (long long)(s->tasks ? s->tasks : n->nodes),
                   (long long)n->cpus);
    if (s->cpus)
        (void)buf_addf(out, " SLURM_CPUS_PER_TASK=%lld", (long long)s->cpus);
    if (s->account) {
        (void)buf_adds(out, " SLURM_JOB_ACCOUNT=");
        quote(out, s->account);
    }
    (void)buf_adds(out,
                   " SLURM_NODEID=\"$PAI_TASK_INDEX\" SLURM_PROCID=\"$PAI_TASK_INDEX\" SLURM_SUBMIT_DIR=\"$PWD\"\n");
    for (size_t i = 0; i < s->export_count; i++) {
        const char *value = s->exports[i].value;

        if (!value)
            value = run->environment ? run->environment(s->exports[i].name) : NULL;
        if (!value)
            continue; /* as in Slurm: what is not set is not exported */
        (void)buf_addf(out, "export %s=", s->exports[i].name);
        quote(out, value);
        (void)buf_addc(out, '\n');
    }
}

/* "exec INTERPRETER [ARGUMENT]", as the kernel reads the first line. */
static void add_interpreter(struct arena *a, const char *script, struct buf *out)
{
    const char *at = script + 2, *end = at + strcspn(at, "\n");
    size_t len;

    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    len = strcspn(at, " \t");
    len = len < (size_t)(end - at) ? len : (size_t)(end - at);
    (void)buf_adds(out, "exec ");
    quote(out, arena_strndup(a, at, len));
    for (at += len; at < end && (*at == ' ' || *at == '\t');)
        at++;
    if (at < end) {
        (void)buf_addc(out, ' ');
        quote(out, arena_strndup(a, at, (size_t)(end - at)));
    }
}

static const char *command_of(const struct sbatch *s, const struct share *n, const struct sbatch_run *run)
{
    struct arena *a = s->a;
    const char *mark = delimiter(a, s->script), *text = NULL;
    struct buf b;

    buf_init(&b, COMMAND_MAX);
    (void)buf_addf(&b, "cat > .sbatch-script <<'%s'\n", mark);
    (void)buf_add(&b, s->script, s->script_len);
    if (s->script[s->script_len - 1] != '\n')
        (void)buf_addc(&b, '\n');
    (void)buf_addf(&b, "%s\ndrover_script=$PWD/.sbatch-script\n", mark);
    add_variables(s, n, run, &b);
    if (s->folder) {
        (void)buf_adds(&b, "cd -- ");
        quote(&b, s->folder);
        (void)buf_adds(&b, " || exit 1\n");
    }
    add_interpreter(a, s->script, &b);
    (void)buf_adds(&b, " \"$drover_script\"");
    for (char *const *word = run->argv; word && *word; word++) {
        (void)buf_addc(&b, ' ');
        quote(&b, *word);
    }
    if (s->output) {
        (void)buf_adds(&b, " >");
        pattern(a, &b, s->output);
    }
    if (s->error) {
        (void)buf_adds(&b, " 2>");
        pattern(a, &b, s->error);
    } else if (s->output) {
        (void)buf_adds(&b, " 2>&1");
    }
    text = b.bad || !mark ? NULL : arena_strdup(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

/* ---- the document ---- */

static void add_mail(struct writer *w, const struct sbatch *s, struct doc *extras)
{
    struct doc *told = add(w, extras, "jobStatusChangeNotification", DOC_MAP);

    if (s->mail_begin)
        add_true(w, told, "running");
    if (s->mail_end) {
        add_true(w, told, "succeeded");
        add_true(w, told, "stopped");
    }
    if (s->mail_fail)
        add_true(w, told, "failed");
    if (s->mail_requeue)
        add_true(w, told, "retried");
}

static void add_extension(struct writer *w, const struct sbatch *s, struct doc *extras)
{
    struct doc *drover = add(w, extras, "drover", DOC_MAP);

    if (s->time_s)
        add_number(w, drover, "timeLimit", s->time_s);
    if (s->signal) {
        struct doc *checkpoint = add(w, drover, "checkpoint", DOC_MAP);

        add_text(w, checkpoint, "name", s->name);
        add_text(w, checkpoint, "signal", s->signal);
        add_number(w, checkpoint, "grace", s->signal_s);
    }
    if (s->gpu_model)
        add_text(w, add(w, drover, "gpuModels", DOC_LIST), NULL, s->gpu_model);
}

static void add_extras(struct writer *w, const struct sbatch *s, struct doc *job)
{
    bool mail = s->mail_begin || s->mail_end || s->mail_fail || s->mail_requeue;
    bool own = s->time_s || s->signal || s->gpu_model;
    struct doc *extras = mail || own ? add(w, job, "extras", DOC_MAP) : NULL;

    if (mail)
        add_mail(w, s, extras);
    if (own)
        add_extension(w, s, extras);
}

static void add_role(struct writer *w, const struct share *n, const char *command, struct doc *job)
{
    struct doc *role = add(w, add(w, job, "taskRoles", DOC_MAP), "batch", DOC_MAP), *resources;

    add_number(w, role, "instances", n->nodes);
    add_text(w, role, "dockerImage", "image");
    resources = add(w, role, "resourcePerInstance", DOC_MAP);
    add_number(w, resources, "cpu", n->cpus);
    add_number(w, resources, "memoryMB", n->memory_mb);
    add_number(w, resources, "gpu", n->gpus);
    add_text(w, add(w, role, "commands", DOC_LIST), NULL, command);
}

int sbatch_write(const struct sbatch *s, const struct sbatch_run *run, struct buf *out, struct err *e)
{
    struct writer w = {s->a, false};
    struct doc job = {.type = DOC_MAP}, *prerequisite;
    const char *vc = s->partition ? s->partition : s->account, *command;
    struct share n;

    if (share_of(s, &n, e))
        return -1;
    command = command_of(s, &n, run);
    if (command && sbatch_has_template(command)) /* not the script's: that was looked at */
        return fail_at(e, 0,
                       "\"<% $\" in an option or an argument names a parameter of a Drover job; write it otherwise.");
    add_number(&w, &job, "protocolVersion", 2);
    add_text(&w, &job, "name", arena_printf(s->a, "%s%s", s->name, s->suffix ? s->suffix : ""));
    add_text(&w, &job, "type", "job");
    prerequisite = add(&w, add(&w, &job, "prerequisites", DOC_LIST), NULL, DOC_MAP);
    add_text(&w, prerequisite, "name", "image");
    add_text(&w, prerequisite, "type", "dockerimage");
    add_text(&w, prerequisite, "uri", run->image);
    add_role(&w, &n, command, &job);
    if (vc)
        add_text(&w, add(&w, &job, "defaults", DOC_MAP), "virtualCluster", vc);
    add_extras(&w, s, &job);
    if (w.bad || doc_write_yaml(out, &job))
        return err_set(e, ERR_TOO_LARGE, "The script makes a job of more than 1 MiB.");
    return 0;
}
