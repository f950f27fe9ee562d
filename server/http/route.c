/* SPDX-License-Identifier: MIT
 *
 * The route matcher: a tree of segments. A node has literal children and at most one {x} child; literals are tried
 * first, and {x} is still tried when a literal leads to no row of the method ("/users/me" beside "/users/{name}").
 */
#include "server/http/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define MAX_SEGMENTS 24

struct node {
    const char *text; /* in the row's path; of the first row that made the node */
    size_t len;
    bool any; /* {x} */
    struct node *children;
    struct node *next;
    const struct route *rows[HTTP_METHOD_COUNT];
};

struct router {
    struct node root;
};

/* A path cut into segments. */
struct cut {
    const char *seg[MAX_SEGMENTS];
    size_t count;
};

/* The state of one search. */
struct search {
    const struct cut *path;
    enum http_method method;
    const struct route *found;
    unsigned allowed;
};

static const char *const method_names[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",       [HTTP_PUT] = "PUT",
    [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
};

const char *route_method_name(enum http_method m)
{
    return m >= 0 && m < HTTP_METHOD_COUNT ? method_names[m] : "?";
}

enum http_method route_method_parse(const char *name)
{
    enum http_method m = 0;

    while (m < HTTP_METHOD_COUNT && strcmp(method_names[m], name) != 0)
        m++;
    return m;
}

void route_allow(unsigned allowed, char *out, size_t size)
{
    size_t have = 0;

    if (allowed & (1u << HTTP_GET))
        allowed |= 1u << HTTP_HEAD;
    *out = '\0';
    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
        size_t n = strlen(method_names[m]) + 2;

        if (!(allowed & (1u << m)) || have + n + 1 > size)
            continue;
        if (have) {
            memcpy(out + have, ", ", 2);
            have += 2;
        }
        memcpy(out + have, method_names[m], n - 1);
        have += n - 2;
    }
}

static bool is_param(const char *seg, size_t len)
{
    return len >= 3 && seg[0] == '{' && seg[len - 1] == '}';
}

/* The child for a segment of a pattern, made when missing; NULL on out of memory. */
static struct node *child_for(struct node *n, const char *seg, size_t len)
{
    bool any = is_param(seg, len);
    struct node **at = &n->children;
    struct node *c;

    for (c = n->children; c; c = c->next)
        if (c->any == any && (any || (c->len == len && !memcmp(c->text, seg, len))))
            return c;
    c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->text = seg;
    c->len = len;
    c->any = any;
    while (*at && any) /* {x} goes last */
        at = &(*at)->next;
    c->next = *at;
    *at = c;
    return c;
}

static int check_pattern(const struct route *row, struct err *e)
{
    size_t segments = 0;
    size_t params = 0;

    if (!row->path || row->path[0] != '/' || !row->handler || row->method == HTTP_HEAD)
        return err_set(e, ERR_INTERNAL, "route %s: no path, no handler or a HEAD row", row->path ? row->path : "?");
    if (row->access == ACCESS_UNSET || row->access >= ACCESS_COUNT)
        return err_set(e, ERR_INTERNAL, "route %s: the row does not say who may", row->path);
    for (const char *s = row->path; *s; segments++) {
        size_t n = strcspn(s + 1, "/");

        if (is_param(s + 1, n))
            params++;
        else if (memchr(s + 1, '{', n) || memchr(s + 1, '}', n))
            return err_set(e, ERR_INTERNAL, "route %s: a parameter must be a whole segment", row->path);
        s += 1 + n;
    }
    if (segments > MAX_SEGMENTS || params > ROUTE_MAX_PARAMS)
        return err_set(e, ERR_INTERNAL, "route %s: too long", row->path);
    return 0;
}

static int add_row(struct router *r, const struct route *row, struct err *e)
{
    struct node *n = &r->root;

    if (check_pattern(row, e))
        return -1;
    for (const char *s = row->path; *s;) {
        size_t len = strcspn(s + 1, "/");

        n = child_for(n, s + 1, len);
        if (!n)
            return err_set(e, ERR_INTERNAL, "out of memory");
        s += 1 + len;
    }
    if (n->rows[row->method])
        return err_set(e, ERR_INTERNAL, "route %s %s is there twice", route_method_name(row->method), row->path);
    n->rows[row->method] = row;
    return 0;
}

struct router *route_compile(const struct route *rows, size_t count, struct err *e)
{
    struct router *r = calloc(1, sizeof(*r));

    if (!r) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (add_row(r, &rows[i], e)) {
            route_destroy(r);
            return NULL;
        }
    }
    return r;
}

static void free_nodes(struct node *n)
{
    while (n) {
        struct node *next = n->next;

        free_nodes(n->children); /* as deep as the longest pattern */
        free(n);
        n = next;
    }
}

void route_destroy(struct router *r)
{
    if (!r)
        return;
    free_nodes(r->root.children);
    free(r);
}

/* OpenPAI's other spellings: older names of two nouns, which its portal still uses, and a slash at the end, which its
 * client library writes. */
static const struct {
    const char *alias, *name;
} nouns[] = {{"user", "users"}, {"group", "groups"}};

static void respell(struct cut *c)
{
    if (c->count < 3 || strcmp(c->seg[0], "api") != 0 || strcmp(c->seg[1], "v2") != 0)
        return;
    for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++)
        if (!strcmp(c->seg[2], nouns[i].alias))
            c->seg[2] = nouns[i].name;
    if (c->count > 3 && !*c->seg[c->count - 1] && *c->seg[c->count - 2])
        c->count--;
}

/* Cuts at slashes, in place. False for a path with more segments than any pattern. */
static bool cut_path(char *path, struct cut *c)
{
    size_t alias = strlen(ROUTE_ALIAS) - strlen(ROUTE_PREFIX);

    if (!strncmp(path, ROUTE_ALIAS, strlen(ROUTE_ALIAS)) && strchr("/", path[strlen(ROUTE_ALIAS)]))
        path += alias;
    c->count = 0;
    for (char *s = path; s; c->count++) {
        if (*s != '/' || c->count == MAX_SEGMENTS)
            return false;
        *s = '\0';
        c->seg[c->count] = s + 1;
        s = strchr(s + 1, '/');
    }
    return true;
}

/* Depth-first; true as soon as a row of the method was found. */
static bool search_node(struct search *s, const struct node *n, size_t depth)
{
    if (depth == s->path->count) {
        for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++)
            if (n->rows[m])
                s->allowed |= 1u << m;
        s->found = n->rows[s->method];
        return s->found != NULL;
    }
    for (const struct node *c = n->children; c; c = c->next) {
        const char *seg = s->path->seg[depth];
        bool fits = c->any ? *seg != '\0' : !strncmp(c->text, seg, c->len) && seg[c->len] == '\0';

        if (fits && search_node(s, c, depth + 1))
            return true;
    }
    return false;
}

static void name_params(const struct cut *path, struct route_match *out)
{
    size_t i = 0;

    for (const char *s = out->route->path; *s; i++) {
        size_t n = strcspn(s + 1, "/");

        if (is_param(s + 1, n))
            out->params[out->param_count++] = (struct route_param){s + 2, n - 2, path->seg[i]};
        s += 1 + n;
    }
}

void route_match(const struct router *r, enum http_method method, char *path, struct route_match *out)
{
    struct cut cut;
    struct search s = {.path = &cut, .method = method == HTTP_HEAD ? HTTP_GET : method};

    memset(out, 0, sizeof(*out));
    if (!cut_path(path, &cut))
        return;
    respell(&cut);
    search_node(&s, &r->root, 0);
    out->route = s.found;
    out->allowed = s.allowed;
    if (s.found)
        name_params(&cut, out);
}
