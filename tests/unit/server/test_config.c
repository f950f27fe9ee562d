/* SPDX-License-Identifier: MIT
 *
 * The daemon's configuration: each key, bad values with their place, and the listen address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "server/config.h"

/* Loads `text` over the defaults. */
static int load(const char *text, struct config *c, struct err *e)
{
    char path[] = "/tmp/drover-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    *e = (struct err){0};
    config_defaults(c);
    int rc = config_load(c, path, e);
    unlink(path);
    return rc;
}

static void defaults(void **state)
{
    struct config c;
    (void)state;
    config_defaults(&c);
    assert_string_equal(c.listen, "127.0.0.1:7780");
    assert_int_equal(c.gpus, -1);
    assert_false(c.image_on_host);
    assert_false(c.insecure_http);
    assert_int_equal(c.port_first, 15000);
    assert_int_equal(c.port_last, 32767);
    assert_int_equal(c.log_level, LOG_LEVEL_INFO);
    assert_int_equal(c.log_format, LOG_FORMAT_LOGFMT);
    assert_string_equal(c.node, "");
}

static void every_key_is_read(void **state)
{
    struct config c;
    struct err e;
    (void)state;
    int rc = load("listen: \"[::1]:0\"\n"
                  "unknownImage: host\n"
                  "insecureHttp: true\n"
                  "gpus: 8\n"
                  "cpus: 12\n"
                  "memoryMB: 4096\n"
                  "node: worker-1\n"
                  "portRange: \"20000-20999\"\n"
                  "keepFilesDays: 30\n"
                  "keepLogsDays: 180\n"
                  "logPackSeconds: 9\n"
                  "gpuSampleSeconds: 2\n"
                  "gpuSealSeconds: 60\n"
                  "keepSamplesDays: 1\n"
                  "keepMinutesDays: 2\n"
                  "keepQuartersDays: 3\n"
                  "keepHoursDays: 4\n"
                  "diskMaxMB: 10\n"
                  "userDiskMB: 70\n"
                  "logMaxMB: 11\n"
                  "codeMaxMB: 12\n"
                  "gpuHealth: {xidReset: cordon, foreign: tell, check: 3}\n"
                  "idle: {rules: [{rule: zeroWindow, warn: [60], after: 90, action: tag, tag: '5'}], dryRun: true,"
                  " exempt: {names: [nb-*]}}\n"
                  "placement: {left: 7, spread: 3}\n"
                  "logLevel: debug\n"
                  "logFormat: json\n",
                  &c, &e);
    if (rc)
        fail_msg("%s (line %d, column %d)", e.text, e.line, e.column);
    assert_string_equal(c.listen, "[::1]:0");
    assert_int_equal(c.health.of[GPU_XID_RESET], GPU_ACTION_CORDON);
    assert_int_equal(c.health.of[GPU_FOREIGN], GPU_ACTION_TELL);
    assert_int_equal(c.health.of[GPU_ECC], GPU_ACTION_QUARANTINE);
    assert_int_equal(c.health.check, 3);
    assert_true(c.idle.set && c.idle.dry_run);
    assert_string_equal(c.idle.rules[0].tag, "5");
    assert_int_equal(c.placement.of[SCORE_LEFT], 7);
    assert_int_equal(c.placement.of[SCORE_SPREAD], 3);
    assert_int_equal(c.placement.of[SCORE_APART], score_defaults.of[SCORE_APART]);
    assert_true(c.image_on_host);
    assert_true(c.insecure_http);
    assert_int_equal(c.gpus, 8);
    assert_int_equal(c.cpus, 12);
    assert_int_equal(c.memory_mb, 4096);
    assert_string_equal(c.node, "worker-1");
    assert_int_equal(c.port_first, 20000);
    assert_int_equal(c.port_last, 20999);
    assert_int_equal(c.keep_files_days, 30);
    assert_int_equal(c.keep_logs_days, 180);
    assert_int_equal(c.log_pack_s, 9);
    assert_int_equal(c.gpu_sample_s, 2);
    assert_int_equal(c.gpu_seal_s, 60);
    for (int r = 0; r < SERIES_RESOLUTIONS; r++)
        assert_int_equal(c.keep_series.days[r], r + 1);
    assert_int_equal(c.disk_max_mb, 10);
    assert_int_equal(c.user_disk_mb, 70);
    assert_int_equal(c.log_max_mb, 11);
    assert_int_equal(c.code_max_mb, 12);
    assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(c.log_format, LOG_FORMAT_JSON);
    assert_int_equal(
        load("unknownImage: refuse\ninsecureHttp: false\ngpus: 0\nlogLevel: error\nlogFormat: logfmt\n", &c, &e), 0);
    assert_false(c.image_on_host);
    assert_int_equal(c.gpus, 0);
    assert_int_equal(c.log_level, LOG_LEVEL_ERROR);
}

static void bad_values_name_their_place(void **state)
{
    static const struct {
        const char *text;
        int line, column;
        const char *part;
    } bad[] = {
        {"gpus: 1\nlisen: x\n", 2, 1, "Unknown key \"lisen\""},
        {"listen: 7780\n", 1, 9, "string"},
        {"listen: localhost:1\n", 1, 9, "numeric IP"},
        {"listen: \"127.0.0.1\"\n", 1, 9, "ADDRESS:PORT"},
        {"unknownImage: maybe\n", 1, 15, "refuse or host"},
        {"unknownImage: [host]\n", 1, 15, "refuse or host"},
        {"\n\ninsecureHttp: 1\n", 3, 15, "false or true"},
        {"gpuHealth: 3\n", 1, 12, "map of causes"},
        {"idle: 3\n", 1, 7, "must be an object"},
        {"idle: {rules: [{rule: zeroWindow}]}\n", 1, 7, "rule 1: \"after\""},
        {"gpuHealth: {fine: tell}\n", 1, 13, "no cause \"fine\""},
        {"gpuHealth: {ecc: stop}\n", 1, 18, "tell, quarantine or cordon"},
        {"gpuHealth: {check: 0}\n", 1, 20, "from 1 to"},
        {"gpus: -1\n", 1, 7, "from 0 to 64"},
        {"gpuSealSeconds: 901\n", 1, 17, "from 1 to 900"},
        {"gpus: 65\n", 1, 7, "from 0 to 64"},
        {"gpus: many\n", 1, 7, "whole number"},
        {"cpus: 0\n", 1, 7, "from 1 to"},
        {"memoryMB: 0\n", 1, 11, "from 1 to"},
        {"memoryMB: 1.5\n", 1, 11, "whole number"},
        {"node: {a: b}\n", 1, 7, "string"},
        {"portRange: 20000\n", 1, 12, "range such as"},
        {"portRange: \"20000-19999\"\n", 1, 12, "range such as"},
        {"portRange: \"80-1000\"\n", 1, 12, "range such as"},
        {"portRange: \"20000-70000\"\n", 1, 12, "range such as"},
        {"portRange: \"20000-20010x\"\n", 1, 12, "range such as"},
        {"portRange: \"-\"\n", 1, 12, "range such as"},
        {"placement: 1\n", 1, 12, "map of weights"},
        {"placement: {tight: 1}\n", 1, 13, "no term \"tight\""},
        {"placement: {left: -1}\n", 1, 19, "from 0 to 1000000"},
        {"logLevel: loud\n", 1, 11, "error, warn, info or debug"},
        {"logFormat: xml\n", 1, 12, "logfmt or json"},
        {"gpus: 1\ngpus: 2\n", 2, 1, ""},
        {"[1, 2]\n", 0, 0, "map of keys"},
    };
    struct config c;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(load(bad[i].text, &c, &e), -1);
        if (e.line != bad[i].line || e.column != bad[i].column || !strstr(e.text, bad[i].part))
            fail_msg("%s -> %s (line %d, column %d)", bad[i].text, e.text, e.line, e.column);
        assert_non_null(strstr(e.text, "/tmp/drover-config-")); /* which file */
    }
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
    struct config c;
    struct err e = {0};
    (void)state;
    config_defaults(&c);
    assert_int_equal(config_load(&c, "/nonexistent/drover.yaml", &e), -1);
    assert_non_null(strstr(e.text, "/nonexistent/drover.yaml"));
}

static void listen_addresses_are_split(void **state)
{
    static const struct {
        const char *listen, *address;
        int port; /* -1: refused */
        bool loopback;
    } cases[] = {
        {"127.0.0.1:7780", "127.0.0.1", 7780, true},
        {"127.9.9.9:0", "127.9.9.9", 0, true},
        {"[::1]:65535", "::1", 65535, true},
        {"0.0.0.0:80", "0.0.0.0", 80, false},
        {"[::]:80", "::", 80, false},
        {"10.0.0.1:80", "10.0.0.1", 80, false},
        {"127.0.0.1:65536", "", -1, false},
        {"127.0.0.1:-1", "", -1, false},
        {"127.0.0.1:", "", -1, false},
        {":80", "", -1, false},
        {"127.0.0.1:8x", "", -1, false},
        {"example.org:80", "", -1, false},
        {"[127.0.0.1:80", "", -1, false},
        {"", "", -1, false},
        {"127.0.0.1: 80", "", -1, false},
        {"127.0.0.1:+80", "", -1, false},
    };
    char address[CONFIG_TEXT_MAX];
    uint16_t port;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        int rc = config_split_listen(cases[i].listen, address, &port, &e);
        if ((rc == 0) != (cases[i].port >= 0))
            fail_msg("\"%s\": %d", cases[i].listen, rc);
        if (rc)
            continue;
        assert_string_equal(address, cases[i].address);
        assert_int_equal(port, cases[i].port);
        assert_int_equal(config_is_loopback(address), cases[i].loopback);
    }
    /* A name that only begins as a loopback address does. */
    assert_false(config_is_loopback("12.7.0.0"));
}

static void webhooks_are_read(void **state)
{
    static const char *const bad[] = {"webhooks: yes\n",          "webhooks: {ports: []}\n",
                                      "webhooks: {ports: [0]}\n", "webhooks: {allow: [10.0.0.1/8]}\n",
                                      "webhooks: {allow: [7]}\n", "webhooks: {http: 1}\n",
                                      "webhooks: {https: true}\n"};
    struct config c;
    struct err e = {0};
    (void)state;
    config_defaults(&c);
    assert_int_equal(c.webhooks.port_count, 1);
    assert_int_equal(c.webhooks.ports[0], 443);
    assert_int_equal(load("webhooks: {http: true, ports: [443, 8080], allow: [10.1.0.0/16, '::1']}\n", &c, &e), 0);
    assert_true(c.webhooks.http);
    assert_int_equal(c.webhooks.port_count, 2);
    assert_int_equal(c.webhooks.allow_count, 2);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(load(bad[i], &c, &e), -1);
        assert_int_equal(e.line, 1);
    }
}

static void remote_write_is_read(void **state)
{
    struct config c;
    struct err e;
    (void)state;
    assert_int_equal(load("remoteWrite: {url: 'https://tsdb.example.org/api/v1/write', bearerTokenFile: /etc/t,\n"
                          "  caFile: /etc/ca.pem, user: prometheus, intervalSeconds: 30, queueMB: 2,\n"
                          "  labels: {job: a100, site: hall}}\n",
                          &c, &e),
                     0);
    assert_string_equal(c.remote.url, "https://tsdb.example.org/api/v1/write");
    assert_string_equal(c.remote.bearer_token_file, "/etc/t");
    assert_string_equal(c.remote.user, "prometheus");
    assert_int_equal(c.remote.interval_s, 30);
    assert_int_equal(c.remote.queue_mb, 2);
    assert_int_equal(c.remote.label_count, 2);
    assert_string_equal(c.remote.labels[1].name, "site");
    assert_string_equal(c.remote.labels[1].value, "hall");
    /* A secret in the clear stays on this machine. */
    assert_int_equal(load("remoteWrite: {url: 'http://[::1]:9090/w', username: u, passwordFile: /etc/p}\n", &c, &e), 0);
    assert_int_equal(c.remote.label_count, 1); /* job: drover */
}

static void bad_remote_writes_are_refused(void **state)
{
    static const char *const texts[] = {
        "remoteWrite: yes\n",
        "remoteWrite: {intervalSeconds: 5}\n",
        "remoteWrite: {url: 'ftp://a/'}\n",
        "remoteWrite: {url: 'a b'}\n",
        "remoteWrite: {url: 'http://u:p@a/'}\n",
        "remoteWrite: {url: 'http://127.evil.example/', bearerTokenFile: /t}\n",
        "remoteWrite: {url: 'http://192.0.2.1/', username: u, passwordFile: /p}\n",
        "remoteWrite: {url: 'https://a/', username: u}\n",
        "remoteWrite: {url: 'https://a/', bearerTokenFile: /t, username: u, passwordFile: /p}\n",
        "remoteWrite: {url: 'https://a/', intervalSeconds: 0}\n",
        "remoteWrite: {url: 'https://a/', queueMB: 1025}\n",
        "remoteWrite: {url: 'https://a/', labels: {__name__: x}}\n",
        "remoteWrite: {url: 'https://a/', labels: {'1a': x}}\n",
        "remoteWrite: {url: 'https://a/', labels: {a: ''}}\n",
        "remoteWrite: {url: 'https://a/', labels: {a: b, c: d, e: f, g: h, i: j, k: l, m: n, o: p, q: r}}\n",
        "remoteWrite: {url: 'https://a/', token: x}\n",
    };
    struct config c;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(load(texts[i], &c, &e), -1);
        assert_int_equal(e.line, 1);
    }
}

static void gpus_may_be_asked_of_a_prometheus(void **state)
{
    static const char *const bad[] = {"gpuPrometheus: yes\n",
                                      "gpuPrometheus: {node: n}\n",
                                      "gpuPrometheus: {url: 'ftp://a/'}\n",
                                      "gpuPrometheus: {url: 'http://192.0.2.1/', bearerTokenFile: /t}\n",
                                      "gpuPrometheus: {url: 'https://a/', username: u}\n",
                                      "gpuPrometheus: {url: 'https://a/', queueMB: 5}\n",
                                      "gpuPrometheus: {url: 'https://a/', nodeLabel: 'a b'}\n",
                                      "gpuPrometheus: {url: 'https://a/', gpuLabel: __name__}\n",
                                      "gpuPrometheus: {url: 'https://a/', query: x}\n"};
    struct config c;
    struct err e;
    (void)state;
    assert_int_equal(load("gpuPrometheus: {url: 'https://tsdb.example.org/prefix/', bearerTokenFile: /etc/t,\n"
                          "  nodeLabel: node, gpuLabel: minor_number, node: a\"b, labels: {job: dcgm}}\n",
                          &c, &e),
                     0);
    assert_string_equal(c.gpu_prometheus.to.url, "https://tsdb.example.org/prefix/api/v1/query");
    assert_string_equal(c.gpu_prometheus.node_label, "node");
    assert_string_equal(c.gpu_prometheus.node, "a\"b");
    assert_int_equal(c.gpu_prometheus.to.label_count, 1);
    assert_int_equal(load("gpuPrometheus: {url: 'http://127.0.0.1:9090'}\n", &c, &e), 0);
    assert_string_equal(c.gpu_prometheus.to.url, "http://127.0.0.1:9090/api/v1/query");
    assert_string_equal(c.gpu_prometheus.node_label, "Hostname");
    assert_string_equal(c.gpu_prometheus.gpu_label, "gpu");
    assert_int_equal(c.gpu_prometheus.to.label_count, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(load(bad[i], &c, &e), -1);
        assert_int_equal(e.line, 1);
    }
}

static void apps_have_a_place(void **state)
{
    static const char *const bad[] = {"apps: here\n",
                                      "apps: {listen: here}\n",
                                      "apps: {place: x}\n",
                                      "apps: {publicUrl: \"http://x\"}\n",
                                      "apps: {listen: \"127.0.0.1:1\", publicUrl: \"ftp://x\"}\n",
                                      "apps: {listen: \"127.0.0.1:1\", publicUrl: \"https://x/y\"}\n"};
    struct config c;
    struct err e;
    (void)state;
    assert_int_equal(load("apps: {listen: \"127.0.0.1:7781\", publicUrl: \"https://*.apps.example/\"}\n", &c, &e), 0);
    assert_string_equal(c.apps.listen, "127.0.0.1:7781");
    assert_string_equal(c.apps.public_url, "https://*.apps.example");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(load(bad[i], &c, &e), -1);
        assert_int_equal(e.line, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(bad_values_name_their_place),
        cmocka_unit_test(a_file_that_is_not_there_is_an_error),
        cmocka_unit_test(listen_addresses_are_split),
        cmocka_unit_test(apps_have_a_place),
        cmocka_unit_test(webhooks_are_read),
        cmocka_unit_test(remote_write_is_read),
        cmocka_unit_test(bad_remote_writes_are_refused),
        cmocka_unit_test(gpus_may_be_asked_of_a_prometheus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
