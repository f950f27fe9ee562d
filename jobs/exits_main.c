/* SPDX-License-Identifier: MIT
 *
 * exits-table IN.yaml OUT.c: the shipped catalogue as C, while Drover is built: its rows for exits.c, and its text. A
 * mistake in it fails the build with its line.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "jobs/exit_catalogue.h"

/* As C literals, 32 bytes a line; octal escapes never swallow what follows. */
static void put_bytes(FILE *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];

        if (i % 32 == 0)
            (void)fprintf(out, "%s    \"", i ? "\"\n" : "");
        if (c >= ' ' && c < 127 && !strchr("\"\\?", c))
            (void)fputc(c, out);
        else
            (void)fprintf(out, "\\%03o", c);
    }
    (void)fprintf(out, len ? "\"" : "    \"\"");
}

static void put_string(FILE *out, const char *key, const char *text)
{
    (void)fprintf(out, "     %s =\n", key);
    put_bytes(out, text, strlen(text));
    (void)fprintf(out, ",\n");
}

static void put_entry(FILE *out, const struct exit_entry *x)
{
    (void)fprintf(out, "    {.code = %d, .type = (enum exit_type)%d, .category = (enum exit_category)%d,\n", x->code,
                  (int)x->type, (int)x->category);
    (void)fprintf(out, "     .reaction = (enum exit_reaction)%d,\n", (int)x->reaction);
    put_string(out, ".phrase", x->phrase);
    put_string(out, ".issuer", x->issuer);
    put_string(out, ".causer", x->causer);
    put_string(out, ".stage", x->stage);
    put_string(out, ".behavior", x->behavior);
    put_string(out, ".reason", x->reason);
    for (int i = 0; i < EXIT_SOLUTIONS && x->solution[i]; i++) {
        char key[32];

        (void)snprintf(key, sizeof key, ".solution[%d]", i);
        put_string(out, key, x->solution[i]);
    }
    (void)fprintf(out, "    },\n");
}

static int put_all(const char *path, const struct exit_catalogue *c, const struct buf *yaml)
{
    FILE *out = fopen(path, "we");

    if (!out)
        return -1;
    (void)fprintf(out, "/* Made of exits.yaml by jobs/exits_main.c. */\n#include \"jobs/exits_table.h\"\n\n"
                       "const struct exit_entry exits_table[] = {\n");
    for (size_t i = 0; i < c->entry_count; i++)
        put_entry(out, &c->entries[i]);
    (void)fprintf(out, "};\n\nconst size_t exits_table_count = %zu;\n\nconst char exits_table_yaml[] =\n",
                  c->entry_count);
    put_bytes(out, yaml->data, yaml->len);
    (void)fprintf(out, ";\n\nconst size_t exits_table_yaml_len = %zu;\n", yaml->len);
    int bad = ferror(out);
    return fclose(out) || bad ? -1 : 0;
}

int main(int argc, char **argv)
{
    struct exit_catalogue *c = NULL;
    struct err e = {0};
    struct buf yaml;
    int rc = 1;

    buf_init(&yaml, EXIT_CATALOGUE_BYTES);
    if (argc != 3) {
        (void)fprintf(stderr, "exits-table IN.yaml OUT.c\n");
        return 2;
    }
    if (!fs_read(argv[1], EXIT_CATALOGUE_BYTES, &yaml, &e))
        c = exit_catalogue_parse(yaml.data, yaml.len, &e);
    if (!c)
        (void)fprintf(stderr, "%s:%d:%d: %s\n", argv[1], e.line, e.column, e.text);
    else if (put_all(argv[2], c, &yaml))
        (void)fprintf(stderr, "cannot write %s\n", argv[2]);
    else
        rc = 0;
    exit_catalogue_destroy(c);
    buf_fini(&yaml);
    return rc;
}
