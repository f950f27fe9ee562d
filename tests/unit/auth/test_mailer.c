/* SPDX-License-Identifier: MIT
 *
 * Mail out, against a small SMTP server on loopback that keeps what it is told, and refuses the box "nobody@".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/mailer.h"
#include "base/err.h"

enum { ENDS_MAX = 4 };

struct world {
    int listener;
    char url[64], mail[16384]; /* the DATA of all mails */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct mailer *mailer;
    int ends;
    char tags[ENDS_MAX][32], problems[ENDS_MAX][256]; /* "" = sent */
    bool for_good[ENDS_MAX];
};

static void on_end(void *ctx, const char *tag, const char *problem, bool for_good)
{
    struct world *w = ctx;

    pthread_mutex_lock(&w->lock);
    assert_true(w->ends < ENDS_MAX);
    snprintf(w->tags[w->ends], sizeof w->tags[0], "%s", tag);
    w->for_good[w->ends] = for_good;
    snprintf(w->problems[w->ends++], sizeof w->problems[0], "%s", problem ? problem : "");
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* One connection: commands are answered until it says QUIT or goes. */
static void serve(struct world *w, FILE *in, FILE *out)
{
    char line[2048];

    fputs("220 test\r\n", out);
    while (!fflush(out) && fgets(line, sizeof line, in)) {
        if (!strncasecmp(line, "DATA", 4)) {
            fputs("354 go on\r\n", out);
            fflush(out);
            while (fgets(line, sizeof line, in) && strcmp(line, ".\r\n") != 0) {
                pthread_mutex_lock(&w->lock); /* the sockets order this, too, but no sanitizer sees that */
                size_t have = strlen(w->mail);
                snprintf(w->mail + have, sizeof w->mail - have, "%s", line);
                pthread_mutex_unlock(&w->lock);
            }
            fputs("250 kept\r\n", out);
        } else if (!strncasecmp(line, "RCPT", 4) && strstr(line, "nobody@")) {
            fputs("550 no such box\r\n", out);
        } else {
            fputs("250 fine\r\n", out);
        }
    }
}

static void *server_main(void *ctx)
{
    struct world *w = ctx;
    int fd;

    while ((fd = accept(w->listener, NULL, NULL)) >= 0) {
        FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");

        serve(w, in, out);
        fclose(in);
        fclose(out);
    }
    return NULL;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    struct err e = {0};

    assert_non_null(w);
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w->listener, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(w->listener, 8), 0);
    assert_int_equal(getsockname(w->listener, (struct sockaddr *)&a, &len), 0);
    snprintf(w->url, sizeof w->url, "smtp://127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    assert_int_equal(pthread_create(&w->thread, NULL, server_main, w), 0);
    struct mailer_config c = {
        .url = w->url, .from = "drover@lab.example", .user = "", .password = "", .done = on_end, .ctx = w};
    w->mailer = mailer_create(&c, &e);
    assert_non_null(w->mailer);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    mailer_destroy(w->mailer);
    shutdown(w->listener, SHUT_RDWR); /* accept returns */
    close(w->listener);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return 0;
}

static void send_to(struct world *w, const char *to, const char *text, const char *tag)
{
    const struct mailer_message m = {.to = to, .subject = "Your\naccount", .text = text, .tag = tag, .id = "7.x"};
    struct err e = {0};

    assert_int_equal(mailer_send(w->mailer, &m, &e), 0);
}

static void wait_ends(struct world *w, int count)
{
    pthread_mutex_lock(&w->lock);
    while (w->ends < count)
        pthread_cond_wait(&w->changed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static void test_a_mail_arrives_whole(void **state)
{
    struct world *w = *state;

    send_to(w, "ana@lab.example", "Hello ana,\n\n.a line with a dot\nBcc: x\n", "one");
    wait_ends(w, 1);
    assert_string_equal(w->tags[0], "one");
    assert_string_equal(w->problems[0], "");
    assert_non_null(strstr(w->mail, "To: <ana@lab.example>\r\n"));
    assert_non_null(strstr(w->mail, "From: <drover@lab.example>\r\n"));
    assert_non_null(strstr(w->mail, "Message-ID: <7.x@lab.example>\r\n"));
    assert_non_null(strstr(w->mail, "Subject: Your account\r\n")); /* no header of its own out of a line end */
    assert_non_null(strstr(w->mail, "\r\n\r\nHello ana,\r\n\r\n..a line with a dot\r\n"));
    assert_true(strstr(w->mail, "Bcc:") > strstr(w->mail, "\r\n\r\n"));
}

/* The same text and HTML as alternatives, the latter in lines that any server takes. */
static void test_html_is_an_alternative(void **state)
{
    struct world *w = *state;
    char html[3000];
    const struct mailer_message m = {
        .to = "ana@lab.example", .subject = "Report", .text = "Hello\n", .html = html, .tag = "two", .id = "8.x"};

    memset(html, 'x', sizeof html - 1);
    html[sizeof html - 1] = '\0';
    assert_int_equal(mailer_send(w->mailer, &m, NULL), 0);
    wait_ends(w, 1);
    const char *boundary = strstr(w->mail, "multipart/alternative; boundary=\"");
    assert_non_null(boundary);
    char mark[40];
    snprintf(mark, sizeof mark, "--%.32s", strchr(boundary, '"') + 1);
    int marks = 0;
    for (const char *at = w->mail; (at = strstr(at, mark)); at++)
        marks++;
    assert_int_equal(marks, 3);
    assert_non_null(
        strstr(w->mail, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nHello\r\n"));
    assert_non_null(
        strstr(w->mail, "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\neHh4eHh4"));
    for (const char *line = w->mail, *end; (end = strstr(line, "\r\n")); line = end + 2)
        assert_true(end - line < 200);
}

/* A box that is not there is told; the next mail goes out all the same, over the same handle. */
static void test_a_refused_box_is_told(void **state)
{
    struct world *w = *state;

    send_to(w, "nobody@lab.example", "lost\n", "bad");
    send_to(w, "bo@lab.example", "found\n", "good");
    wait_ends(w, 2);
    assert_string_equal(w->tags[0], "bad");
    assert_true(w->problems[0][0] && w->for_good[0]);
    assert_false(w->for_good[1]);
    assert_string_equal(w->tags[1], "good");
    assert_string_equal(w->problems[1], "");
    assert_null(strstr(w->mail, "lost"));
    assert_non_null(strstr(w->mail, "found"));
}

static void test_a_server_that_is_not_there(void **state)
{
    struct world *w = *state;
    struct mailer_config c = {
        .url = "smtp://127.0.0.1:1", .from = "d@x", .user = "", .password = "", .done = on_end, .ctx = w};
    struct mailer *other = mailer_create(&c, NULL);
    const struct mailer_message m = {.to = "a@x", .subject = "s", .text = "t", .tag = "none"};

    assert_non_null(other);
    assert_int_equal(mailer_send(other, &m, NULL), 0);
    wait_ends(w, 1);
    mailer_destroy(other);
    assert_string_equal(w->tags[0], "none");
    assert_true(w->problems[0][0]);
    assert_false(w->for_good[0]); /* it may come back */
}

/* With a password, mail does not leave in the clear: this server has no TLS. */
static void test_no_password_in_the_clear(void **state)
{
    struct world *w = *state;
    struct mailer_config c = {
        .url = w->url, .from = "d@x", .user = "drover", .password = "secret", .done = on_end, .ctx = w};
    struct mailer *other = mailer_create(&c, NULL);
    const struct mailer_message m = {.to = "a@x", .subject = "s", .text = "t", .tag = "clear"};

    assert_non_null(other);
    assert_int_equal(mailer_send(other, &m, NULL), 0);
    wait_ends(w, 1);
    mailer_destroy(other);
    assert_true(w->problems[0][0]);
    assert_string_equal(w->mail, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_mail_arrives_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_html_is_an_alternative, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_refused_box_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_server_that_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_password_in_the_clear, setup, teardown),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
