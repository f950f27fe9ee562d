/* SPDX-License-Identifier: MIT
 *
 * Where webhooks may go (S16): a corpus of URL forms with what becomes of each, at a canary that listens on loopback
 * and must see nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "server/notice/address.h"

enum { URL_SIZE = 4096, CANARIES = 2 };

/* What becomes of a URL. Those that only a resolver can tell of are caught when they connect. */
enum verdict { KEPT, REFUSED, BLOCKED };

/* PORT: the canary's. */
static const struct {
    const char *url;
    enum verdict verdict;
} corpus[] = {
    /* names and addresses of the public net */
    {"https://hooks.example.com/services/T0/B0/x", KEPT},
    {"https://hooks.example.com:443/", KEPT},
    {"HTTPS://HOOKS.EXAMPLE.COM/", KEPT},
    {"http://hooks.example.com:PORT/", KEPT},
    {"https://8.8.8.8/", KEPT},
    {"https://[2606:4700::1111]/", KEPT},
    {"https://hooks.example.com/?next=http://127.0.0.1/", KEPT},
    {"https://hooks.example.com/a#@127.0.0.1", KEPT},
    /* loopback, in all spellings */
    {"http://127.0.0.1:PORT/", REFUSED},
    {"https://127.0.0.1:PORT/", REFUSED},
    {"http://127.1:PORT/", REFUSED},
    {"http://127.0.1:PORT/", REFUSED},
    {"http://127.255.255.254:PORT/", REFUSED},
    {"http://2130706433:PORT/", REFUSED},
    {"http://0x7f000001:PORT/", REFUSED},
    {"http://0x7f.0.0.1:PORT/", REFUSED},
    {"http://0x7f.1:PORT/", REFUSED},
    {"http://0177.0.0.1:PORT/", REFUSED},
    {"http://017700000001:PORT/", REFUSED},
    {"http://0177.0x0.0.01:PORT/", REFUSED},
    {"http://%31%32%37.0.0.1:PORT/", REFUSED},
    {"http://localhost:PORT/", REFUSED},
    {"http://LocalHost:PORT/", REFUSED},
    {"http://localhost.:PORT/", REFUSED},
    {"http://a.localhost:PORT/", REFUSED},
    {"http://0:PORT/", REFUSED},
    {"http://0.0.0.0:PORT/", REFUSED},
    {"http://[::1]:PORT/", REFUSED},
    {"http://[0:0:0:0:0:0:0:1]:PORT/", REFUSED},
    {"http://[::]:PORT/", REFUSED},
    {"http://[::127.0.0.1]:PORT/", REFUSED},
    {"http://[::ffff:127.0.0.1]:PORT/", REFUSED},
    {"http://[::ffff:7f00:1]:PORT/", REFUSED},
    {"http://[64:ff9b::127.0.0.1]:PORT/", REFUSED},
    {"http://[2002:7f00:1::]:PORT/", REFUSED},
    {"http://[2001:0:7f00:1::]:PORT/", REFUSED},
    /* networks that are not public */
    {"https://10.0.0.7/", REFUSED},
    {"https://172.16.3.4/", REFUSED},
    {"https://172.31.255.255/", REFUSED},
    {"https://192.168.1.1/", REFUSED},
    {"https://100.64.0.1/", REFUSED},
    {"https://198.18.0.1/", REFUSED},
    {"https://192.0.2.1/", REFUSED},
    {"https://224.0.0.1/", REFUSED},
    {"https://255.255.255.255/", REFUSED},
    {"https://[fd00::1]/", REFUSED},
    {"https://[fe80::1]/", REFUSED},
    {"https://[fe80::1%25lo]/", REFUSED},
    {"https://[ff02::1]/", REFUSED},
    {"https://[2001:db8::1]/", REFUSED},
    /* the metadata of clouds */
    {"http://169.254.169.254:PORT/latest/meta-data/", REFUSED},
    {"http://2852039166:PORT/", REFUSED},
    {"http://[::ffff:a9fe:a9fe]:PORT/", REFUSED},
    {"https://[fd00:ec2::254]/", REFUSED},
    /* users, ports, schemes, what is no URL */
    {"https://user@hooks.example.com/", REFUSED},
    {"http://hooks.example.com:80@127.0.0.1:PORT/", REFUSED},
    {"http://hooks.example.com\\@127.0.0.1:PORT/", REFUSED},
    {"https://hooks.example.com:22/", REFUSED},
    {"http://hooks.example.com/", REFUSED},
    {"gopher://127.0.0.1:PORT/_x", REFUSED},
    {"file:///etc/passwd", REFUSED},
    {"dict://127.0.0.1:PORT/x", REFUSED},
    {"ftp://127.0.0.1:PORT/", REFUSED},
    {"smtp://127.0.0.1:PORT/", REFUSED},
    {"//127.0.0.1:PORT/", REFUSED},
    {"127.0.0.1:PORT", REFUSED},
    {"https://", REFUSED},
    {"", REFUSED},
    {"https://hooks.example.com/\r\nHost: x", REFUSED},
    {" http://127.0.0.1:PORT/", REFUSED},
    /* a name that says something else by now */
    {"http://rebinds.example.com:PORT/", BLOCKED},
    {"http://rebinds6.example.com:PORT/", BLOCKED},
    {"http://rebinds-mapped.example.com:PORT/", BLOCKED},
    {"http://metadata.example.com:PORT/", BLOCKED},
    {"http://private.example.com:PORT/", BLOCKED},
    {"http://both.example.com:PORT/", BLOCKED},
};

static int canary[CANARIES]; /* on 127.0.0.1 and ::1 */
static int port;
static struct address_policy policy;
static struct err e;

static int listen_on(int family)
{
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    const struct sockaddr *at = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
    socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (bind(fd, at, len) || listen(fd, 16))) {
        close(fd);
        return -1;
    }
    len = sizeof v4;
    if (fd >= 0 && family == AF_INET && !getsockname(fd, (struct sockaddr *)&v4, &len))
        port = ntohs(v4.sin_port);
    return fd;
}

static int set_up(void **unused)
{
    (void)unused;
    memset(&e, 0, sizeof e);
    canary[0] = listen_on(AF_INET);
    canary[1] = listen_on(AF_INET6); /* -1 where the machine has no IPv6 */
    address_policy_defaults(&policy);
    policy.http = true;
    policy.ports[policy.port_count++] = (uint16_t)port;
    return canary[0] < 0 ? -1 : 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    for (int i = 0; i < CANARIES; i++)
        if (canary[i] >= 0)
            close(canary[i]);
    return 0;
}

static void fill(char out[URL_SIZE], const char *form)
{
    const char *at = strstr(form, "PORT");
    if (at)
        snprintf(out, URL_SIZE, "%.*s%d%s", (int)(at - form), form, port, at + 4);
    else
        snprintf(out, URL_SIZE, "%s", form);
}

/* How many have connected; each gets `answer`. */
static int seen(const char *answer)
{
    int n = 0;
    for (int i = 0; i < CANARIES; i++) {
        for (int fd; canary[i] >= 0 && (fd = accept4(canary[i], NULL, NULL, SOCK_CLOEXEC)) >= 0; n++) {
            if (answer)
                (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
            close(fd);
        }
    }
    return n;
}

/* Sends to it, with names that resolve as an attacker's would. Whether the guard kept it from connecting. */
static bool send_to(const char *url, const char *answer, int *connections)
{
    static const char *const names[][2] = {
        {"rebinds", "127.0.0.1"},        {"rebinds6", "[::1]"},   {"rebinds-mapped", "[::ffff:7f00:1]"},
        {"metadata", "169.254.169.254"}, {"private", "10.0.0.7"}, {"both", "127.0.0.1,[::1]"}};
    struct address_guard guard = {.policy = &policy};
    struct curl_slist *resolve = NULL;
    CURLM *multi = curl_multi_init();
    CURL *c = curl_easy_init();
    int running = 1, n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char line[128];
        snprintf(line, sizeof line, "%s.example.com:%d:%s", names[i][0], port, names[i][1]);
        resolve = curl_slist_append(resolve, line);
    }
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_RESOLVE, resolve);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 10L);
    address_guard_set(&guard, c);
    curl_multi_add_handle(multi, c);
    while (!curl_multi_perform(multi, &running) && running) {
        (void)curl_multi_poll(multi, NULL, 0, 10, NULL);
        n += seen(answer);
    }
    *connections = n + seen(answer);
    curl_multi_remove_handle(multi, c);
    curl_easy_cleanup(c);
    curl_multi_cleanup(multi);
    curl_slist_free_all(resolve);
    return guard.blocked;
}

static void a_corpus_of_urls(void **unused)
{
    (void)unused;
    assert_true(sizeof corpus / sizeof *corpus >= 60);
    for (size_t i = 0; i < sizeof corpus / sizeof *corpus; i++) {
        char url[URL_SIZE];
        int connections = 0;
        fill(url, corpus[i].url);
        const bool kept = !address_check(url, &policy, &e);
        if (kept != (corpus[i].verdict != REFUSED))
            fail_msg("%s is %s", url, kept ? "kept" : e.text);
        if (corpus[i].verdict == KEPT)
            continue; /* somebody else's */
        /* As if the check at the door had not been: what connects is asked again. */
        const bool blocked = send_to(url, NULL, &connections);
        if (connections)
            fail_msg("%s: the canary saw %d", url, connections);
        if (corpus[i].verdict == BLOCKED && !blocked)
            fail_msg("%s was not blocked", url);
    }
}

/* The canary sings where it may be reached: else the test above could not fail. */
static void what_the_site_allows_is_reached(void **unused)
{
    char url[URL_SIZE];
    int connections;
    (void)unused;
    policy.allow_count = 1;
    assert_true(address_range_parse(&policy.allow[0], "127.0.0.0/8"));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    assert_int_equal(address_check(url, &policy, &e), 0);
    assert_false(send_to(url, "HTTP/1.1 204 No Content\r\n\r\n", &connections));
    assert_int_equal(connections, 1);
    snprintf(url, sizeof url, "http://rebinds.example.com:%d/", port);
    send_to(url, "HTTP/1.1 204 No Content\r\n\r\n", &connections);
    assert_int_equal(connections, 1);
    snprintf(url, sizeof url, "http://[::1]:%d/", port);
    assert_int_equal(address_check(url, &policy, &e), -1);
}

static void redirects_lead_nowhere(void **unused)
{
    char url[URL_SIZE], answer[256];
    int connections;
    (void)unused;
    policy.allow_count = 1;
    assert_true(address_range_parse(&policy.allow[0], "127.0.0.1"));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    snprintf(answer, sizeof answer, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/again\r\n\r\n", port);
    send_to(url, answer, &connections);
    assert_int_equal(connections, 1);
}

static void https_only_unless_the_site_says_so(void **unused)
{
    (void)unused;
    address_policy_defaults(&policy);
    assert_int_equal(address_check("https://hooks.example.com/", &policy, &e), 0);
    assert_int_equal(address_check("http://hooks.example.com:443/", &policy, &e), -1);
    assert_int_equal(address_check("https://hooks.example.com:8443/", &policy, &e), -1);
}

static void ranges(void **unused)
{
    static const char *const good[] = {"10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1", "0.0.0.0/0", "::/0", "::1/128"};
    static const char *const wrong[] = {"",          "10.0.0.0/33", "10.0.0.1/8", "fd00::/129", "10/8", "example.com",
                                        "10.0.0.0/", "10.0.0.0/-1", "fd00::1/8",  "010.0.0.0/8"};
    struct address_range r;
    (void)unused;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!address_range_parse(&r, good[i]))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (address_range_parse(&r, wrong[i]))
            fail_msg("%s", wrong[i]);
    /* All of IPv6 is not all of IPv4. */
    policy.allow_count = 1;
    assert_true(address_range_parse(&policy.allow[0], "::/0"));
    assert_int_equal(address_check("https://10.0.0.7/", &policy, &e), -1);
    assert_int_equal(address_check("https://[fd00::1]/", &policy, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_corpus_of_urls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_site_allows_is_reached, set_up, tear_down),
        cmocka_unit_test_setup_teardown(redirects_lead_nowhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(https_only_unless_the_site_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ranges, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
