/* SPDX-License-Identifier: MIT
 *
 * Strict: whoever answers otherwise is told to be no WebSocket server.
 */
#include "server/app_head.h"

#include <string.h>
#include <strings.h>

size_t app_head_end(const char *data, size_t len)
{
    const char *end = len ? memmem(data, len, "\r\n\r\n", 4) : NULL;

    return end ? (size_t)(end - data) + 4 : 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 101 Switching Protocols": the number, or -1. */
static int read_status(const char *line)
{
    if (strncmp(line, "HTTP/1.1 ", 9) != 0 || line[9] < '1' || line[9] > '5' || !is_digit(line[10]) ||
        !is_digit(line[11]) || (line[12] && line[12] != ' '))
        return -1;
    return (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
}

static bool is_token(const char *s)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    if (!*s)
        return false;
    for (; *s; s++)
        if (!is_digit(*s) && !(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') && !strchr(marks, *s))
            return false;
    return true;
}

static bool is_clean(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return false;
    return true;
}

/* One line, without its end. 0 or -1. */
static int read_field(char *line, struct app_head *out)
{
    char *value = strchr(line, ':');
    size_t n;

    if (!value || out->count == APP_HEAD_FIELDS)
        return -1;
    *value++ = '\0';
    value += strspn(value, " \t");
    n = strlen(value);
    while (n && (value[n - 1] == ' ' || value[n - 1] == '\t'))
        value[--n] = '\0';
    out->fields[out->count++] = (struct app_head_field){line, value};
    return is_token(line) && is_clean(value) ? 0 : -1;
}

int app_head_parse(char *data, size_t len, struct app_head *out)
{
    char *line = data;
    bool first = true;

    *out = (struct app_head){.status = -1};
    if (len > APP_HEAD_MAX || app_head_end(data, len) != len || memchr(data, '\0', len))
        return -1;
    for (;;) {
        char *end = memmem(line, len - (size_t)(line - data), "\r\n", 2);

        if (!end)
            return -1;
        *end = '\0';
        if (end == line)
            return first ? -1 : 0;
        if (first ? (out->status = read_status(line)) < 0 || !is_clean(line) : read_field(line, out))
            return -1;
        first = false;
        line = end + 2;
    }
}

const char *app_head_get(const struct app_head *h, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < h->count; i++) {
        if (strcasecmp(h->fields[i].name, name) != 0)
            continue;
        if (value)
            return NULL;
        value = h->fields[i].value;
    }
    return value;
}
