/* SPDX-License-Identifier: MIT
 *
 * Reading #SBATCH lines. As in Slurm, they begin a line, stand before the first command, and hold options as a shell's
 * words; "#" begins a comment.
 */
#include "tui/sbatch.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"
#include "tui/command_options.h"
#include "tui/sbatch_values.h"

#define MARK "#SBATCH"
#define WORDS_MAX 64 /* on one line */

void sbatch_init(struct sbatch *s, struct arena *a)
{
    *s = (struct sbatch){.a = a, .gpus_of_node = -1, .gpus = -1};
}

static int fail_at(struct err *e, int line, const char *text)
{
    (void)err_set(e, ERR_INVALID_PROTOCOL, "%s", text);
    if (e)
        e->line = line;
    return -1;
}

/* ---- words ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Copies the word at `p`, quotes and backslashes taken as a shell's, to `w`. Where it ends; NULL: in a quote. */
static const char *copy_word(const char *p, const char *end, char *w)
{
    char quote = 0;

    for (; p < end && (quote || !is_blank(*p)); p++) {
        if (quote ? *p == quote : *p == '"' || *p == '\'')
            quote = quote ? 0 : *p;
        else if (*p == '\\' && quote != '\'' && p + 1 < end)
            *w++ = *++p;
        else
            *w++ = *p;
    }
    *w = '\0';
    return quote ? NULL : p;
}

/* Takes the next word of [*at, end). NULL at the end; *bad: a quote is not closed. */
static const char *next_word(struct arena *a, const char **at, const char *end, bool *bad)
{
    const char *p = *at;
    char *word;

    while (p < end && is_blank(*p))
        p++;
    if (p == end || *p == '#')
        return NULL;
    word = arena_alloc(a, (size_t)(end - p) + 1);
    *at = word ? copy_word(p, end, word) : NULL;
    *bad = !*at;
    return word;
}

/* The words of a line's rest. Their count, or -1. */
static int split(struct arena *a, const char *at, const char *end, const char **words)
{
    bool bad = false;
    int n = 0;

    while ((words[n] = next_word(a, &at, end, &bad)) && !bad)
        if (++n == WORDS_MAX)
            return -1;
    return bad ? -1 : n;
}

/* ---- options ---- */

static const struct command_option *find(const char *name, size_t len, char letter)
{
    const struct command_option *o = command_options_sbatch;

    for (; o->name; o++)
        if (letter ? o->letter == letter : strlen(o->name) == len && !strncmp(o->name, name, len))
            return o;
    return NULL;
}

/* The option that a word begins, and in *value what stands in the same word behind it. NULL where it is none. */
static const struct command_option *option_of(const char *word, const char **value)
{
    size_t len;

    *value = NULL;
    if (word[0] != '-' || !word[1])
        return NULL;
    if (word[1] != '-') {
        *value = word[2] ? word + 2 : NULL;
        return find(NULL, 0, word[1]);
    }
    len = strcspn(word + 2, "=");
    *value = word[2 + len] ? word + 2 + len + 1 : NULL;
    return len ? find(word + 2, len, 0) : NULL;
}

static int refuse(struct err *e, int line, const char *word)
{
    size_t len = word[0] == '-' && word[1] && word[1] != '-' ? 2 : strcspn(word, "=");

    if (word[0] != '-')
        (void)err_set(e, ERR_INVALID_PROTOCOL, "\"%.60s\" is no option.", word);
    else
        (void)err_set(e, ERR_INVALID_PROTOCOL, "%.*s: Drover does not have this option of sbatch.",
                      (int)(len < 60 ? len : 60), word);
    e->line = line;
    return -1;
}

/* The options of one line. */
static int read_line(struct sbatch *s, const char *at, const char *end, int line, struct err *e)
{
    const char *words[WORDS_MAX + 1];
    int n = split(s->a, at, end, words);

    if (n < 0)
        return fail_at(e, line, "This line has a quote that is not closed, or more than 64 words.");
    for (int i = 0; i < n; i++) {
        const char *value;
        const struct command_option *o = option_of(words[i], &value);

        if (!o)
            return refuse(e, line, words[i]);
        if (o->arg && !value && ++i < n)
            value = words[i];
        if (o->arg && !value) {
            (void)err_set(e, ERR_INVALID_PROTOCOL, "--%s needs a value: %s.", o->name, o->arg);
            e->line = line;
            return -1;
        }
        if (!o->arg && value)
            return refuse(e, line, words[i]);
        if (sbatch_option(s, o->name, value, line, e))
            return -1;
    }
    return 0;
}

/* ---- the script ---- */

static int check_utf8(const char *text, size_t len, struct err *e)
{
    const char *at = text, *end = text + len;

    for (int line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);

        if (!utf8_valid(at, n))
            return fail_at(e, line, "This line is not UTF-8.");
        at += n + 1;
    }
    return 0;
}

/* A parameter of a job begins here: the server would put its value there. */
static bool is_template(const char *at, const char *end)
{
    if (end - at < 3 || at[0] != '<' || at[1] != '%')
        return false;
    for (at += 2; at < end && *at == ' ';)
        at++;
    return at < end && *at == '$';
}

bool sbatch_has_template(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (is_template(text + i, text + len))
            return true;
    return false;
}

static bool has_interpreter(const char *at, const char *end)
{
    if (end - at < 2 || at[0] != '#' || at[1] != '!')
        return false;
    for (at += 2; at < end && is_blank(*at);)
        at++;
    return at < end && *at == '/';
}

/* What the whole of a script must be. */
static int check_text(const char *text, size_t len, struct err *e)
{
    int line = 1;

    if (len > SBATCH_MAX)
        return fail_at(e, 1, "A batch script has at most 192 KiB here.");
    if (!has_interpreter(text, text + len))
        return fail_at(e, 1, "This is no batch script: its first line must be #! and the path of an interpreter.");
    for (size_t i = 0; i < len; i++) {
        size_t rest = len - i;

        if (text[i] == '\r' && rest > 1 && text[i + 1] == '\n')
            return fail_at(e, line, "The script has the line ends of DOS (\\r\\n); sbatch refuses them, too.");
        if (!text[i])
            return fail_at(e, line, "The script holds a zero byte.");
        if (is_template(text + i, text + len))
            return fail_at(e, line, "\"<% $\" names a parameter of a Drover job; write it otherwise.");
        line += text[i] == '\n';
    }
    return check_utf8(text, len, e);
}

/* Whether a line is neither blank nor a comment. */
static bool is_command(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at < end && *at != '#';
}

static bool is_marked(const char *at, const char *end)
{
    size_t mark = strlen(MARK), len = (size_t)(end - at);

    return len >= mark && !memcmp(at, MARK, mark) && (len == mark || is_blank(at[mark]));
}

int sbatch_read(struct sbatch *s, const char *text, size_t len, struct err *e)
{
    const char *at = text, *end = text + len;

    if (check_text(text, len, e))
        return -1;
    s->script = arena_strndup(s->a, text, len);
    s->script_len = len;
    if (!s->script)
        return fail_at(e, 0, "Out of memory.");
    for (int line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *behind = stop ? stop : end;

        if (is_command(at, behind))
            break;
        if (is_marked(at, behind) && read_line(s, at + strlen(MARK), behind, line, e))
            return -1;
        at = behind + 1;
    }
    return 0;
}

int sbatch_option(struct sbatch *s, const char *name, const char *value, int line, struct err *e)
{
    int rc = sbatch_values_set(s, name, value, line, e);

    if (rc && e)
        e->line = line;
    return rc;
}
