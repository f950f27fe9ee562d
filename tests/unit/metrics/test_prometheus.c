/* SPDX-License-Identifier: MIT
 *
 * GPUs as a Prometheus tells them over a connection: also one that takes its time.
 */
#include "metrics/prometheus.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "metrics/remote_config.h"
#include "metrics/source.h"

#define BODY                                                                                                           \
    "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":"               \
    "\"DCGM_FI_DEV_GPU_UTIL\",\"gpu\":\"0\",\"UUID\":\"GPU-1\",\"modelName\":\"A\"},\"value\":[1.5,\"93\"]}]}}"

enum { LOOKS = 2, PIECE = 2 /* bytes: a reply has some hundred pieces */ };

/* One request, whose body ends with the bracket of the query, and its answer in pieces. 0 or -1. */
static int answer(int fd)
{
    char text[16384], reply[512];
    size_t got = 0;

    do {
        const ssize_t n = recv(fd, text + got, sizeof text - 1 - got, 0);
        if (n <= 0)
            return -1;
        got += (size_t)n;
        text[got] = '\0';
    } while (got < 3 || strcmp(text + got - 3, "%7D") != 0);
    const int len =
        snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                 strlen(BODY), BODY);
    for (int at = 0; at < len; at += PIECE) {
        const int more = len - at < PIECE ? len - at : PIECE;
        if (send(fd, reply + at, (size_t)more, MSG_NOSIGNAL) != more)
            return -1;
        (void)usleep(1000); /* so that a piece is read before the next comes; where it is not, less is tried */
    }
    return 0;
}

static void *serve(void *ctx)
{
    const int *on = ctx;

    for (int i = 0; i < LOOKS; i++) {
        const int fd = accept(*on, NULL, NULL);
        if (fd < 0)
            break;
        (void)answer(fd);
        (void)close(fd);
    }
    return NULL;
}

static void a_reply_may_come_in_many_pieces(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    static struct remote_source settings = {.node_label = "Hostname", .gpu_label = "gpu"};
    static struct gpu gpus[NODE_GPU_MAX];
    static struct source_reading reading;
    struct err e = {0};
    pthread_t thread;
    int on = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(bind(on, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(on, LOOKS), 0);
    assert_int_equal(getsockname(on, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(settings.to.url, sizeof settings.to.url, "http://127.0.0.1:%d/api/v1/query", ntohs(at.sin_port));
    assert_int_equal(pthread_create(&thread, NULL, serve, &on), 0);
    struct source *s = prometheus_create(&settings, "gpu-07", &e);
    assert_non_null(s);
    if (s->ops->find(s, gpus, &e) != 1)
        fail_msg("%s", e.text);
    assert_string_equal(gpus[0].uuid, "GPU-1");
    if (s->ops->read(s, &reading, 1, &e))
        fail_msg("%s", e.text);
    assert_int_equal(reading.sample.value[SOURCE_BUSY], 93);
    assert_int_equal(pthread_join(thread, NULL), 0);
    s->ops->destroy(s);
    (void)close(on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_reply_may_come_in_many_pieces)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
