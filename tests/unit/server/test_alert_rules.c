/* SPDX-License-Identifier: MIT
 *
 * The table of alert rules: docs/ALERTS.md shows it, each of OpenPAI's rules has a counterpart, each cause of a GPU's
 * health that has an alert has its rule, and a site changes what it likes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/fs.h"
#include "server/alerts/alert_rule.h"

/* A row of docs/ALERTS.md. */
static void row_of(const struct alert_rule *r, char *out, size_t size)
{
    char limit[64] = "", lasts[32] = "at once", openpai[160] = "";
    if (r->figure == ALERT_GPU_CAUSE)
        snprintf(limit, sizeof limit, "cause `%s`", gpu_cause_info(r->cause)->word);
    else
        snprintf(limit, sizeof limit, "%s %s %lld", alert_figure_word(r->figure),
                 r->compare == ALERT_BELOW ? "below" : "above", (long long)r->threshold);
    if (r->for_s)
        snprintf(lasts, sizeof lasts, "%d s", r->for_s);
    for (const char *at = r->openpai; at && *at;) {
        const size_t n = strcspn(at, " ");
        const size_t len = strlen(openpai);
        snprintf(openpai + len, sizeof openpai - len, "%s`%.*s`", len ? ", " : "", (int)n, at);
        at += n + (at[n] == ' ');
    }
    snprintf(out, size, "| `%s` | %s%s | %s | %s | %s | %s |\n", r->name, alert_severity_word(r->severity),
             r->off ? ", off" : "", limit, lasts, openpai, r->text);
}

static void the_documentation_shows_the_rules(void **state)
{
    struct buf doc;
    struct err e = {0};
    char row[512];
    int count;
    const struct alert_rule *rules = alert_rules(&count);
    (void)state;
    buf_init(&doc, 0);
    if (fs_read(DROVER_SOURCE "/docs/ALERTS.md", 1 << 20, &doc, &e))
        fail_msg("%s", e.text);
    int missing = 0;
    for (int i = 0; i < count; i++) {
        row_of(&rules[i], row, sizeof row);
        if (!strstr(buf_str(&doc), row)) {
            missing++;
            print_error("docs/ALERTS.md lacks: %s", row);
        }
    }
    assert_int_equal(missing, 0);
    buf_fini(&doc);
}

static void each_of_openpais_rules_has_a_counterpart(void **state)
{
    static const char *const theirs[] = {"NvidiaSmiLatencyTooLarge",
                                         "NvidiaSmiDoubleEccError",
                                         "NvidiaMemoryLeak",
                                         "NvidiaZombieProcess",
                                         "GpuUsedByExternalProcess",
                                         "GpuUsedByZombieContainer",
                                         "NodeGpuCountChanged",
                                         "NodeGpuLowPerfState",
                                         "PaiJobsZombie",
                                         "PaiJobPending",
                                         "NodeFilesystemUsage",
                                         "NodeMemoryUsage",
                                         "NodeCPUUsage",
                                         "NodeDiskPressure",
                                         "NodeOutOfDisk",
                                         "NodeNotReady",
                                         "AzureAgentConsumeTooMuchMem",
                                         "k8sApiServerNotOk",
                                         "k8sDockerDaemonNotOk",
                                         "PaiServicePodNotRunning",
                                         "PaiServicePodNotReady",
                                         "WatchdogNotUp",
                                         "JobExporterHangs"};
    int count, found = 0;
    const struct alert_rule *rules = alert_rules(&count);
    (void)state;
    for (size_t k = 0; k < sizeof theirs / sizeof *theirs; k++)
        for (int i = 0; i < count; i++) {
            const char *at = rules[i].openpai ? strstr(rules[i].openpai, theirs[k]) : NULL;
            found += at && (at[strlen(theirs[k])] == '\0' || at[strlen(theirs[k])] == ' ');
        }
    assert_int_equal(found, 23);
}

static void gpu_rules_are_those_of_the_causes(void **state)
{
    int count, found = 0, causes = 0;
    const struct alert_rule *rules = alert_rules(&count);
    (void)state;
    for (int c = 0; c < GPU_CAUSES; c++) {
        const struct gpu_cause_info *what = gpu_cause_info((enum gpu_cause)c);
        causes += what->alert != NULL;
        for (int i = 0; i < count; i++)
            found += what->alert && rules[i].figure == ALERT_GPU_CAUSE && (int)rules[i].cause == c &&
                     !strcmp(rules[i].name, what->alert);
    }
    assert_int_equal(found, causes);
}

/* ---- the configuration ---- */

static int read_settings(const char *yaml, struct alert_settings *s)
{
    struct err e = {0};
    struct arena *a = arena_create(0);
    const struct doc *d = doc_parse_yaml(a, yaml, strlen(yaml), NULL, &e);
    assert_non_null(d);
    alert_settings_defaults(s);
    int rc = alert_settings_read(s, d->first, &e);
    assert_true(!rc == !e.line); /* an error has its place */
    arena_destroy(a);
    return rc;
}

static const struct alert_rule *find(const struct alert_settings *s, const char *name)
{
    for (int i = 0; i < s->rule_count; i++)
        if (!strcmp(s->rules[i].name, name))
            return &s->rules[i];
    fail_msg("%s", name);
    return NULL;
}

static void a_site_changes_rules(void **state)
{
    struct alert_settings s;
    (void)state;
    assert_int_equal(
        read_settings("alerts: {seconds: 1, keepDays: 7, rules: {NodeMemoryUsage: {threshold: 90, forSeconds: 0, "
                      "severity: fatal}, Watchdog: {enabled: true}, GpuLost: {enabled: false}}}",
                      &s),
        0);
    const struct alert_rule *r = find(&s, "NodeMemoryUsage");
    assert_true(s.look_s == 1 && s.keep_days == 7 && r->threshold == 90 && !r->for_s && r->severity == ALERT_FATAL &&
                !r->off);
    assert_false(find(&s, "Watchdog")->off);
    assert_true(find(&s, "GpuLost")->off);
    assert_int_equal(find(&s, "NodeCPUUsage")->threshold, 98);
}

static void what_is_no_setting_is_refused(void **state)
{
    static const char *const bad[] = {"alerts: yes",
                                      "alerts: {seconds: 0}",
                                      "alerts: {seconds: x}",
                                      "alerts: {minutes: 1}",
                                      "alerts: {rules: 1}",
                                      "alerts: {rules: {None: {}}}",
                                      "alerts: {rules: {GpuLost: off}}",
                                      "alerts: {rules: {GpuLost: {severity: bad}}}",
                                      "alerts: {rules: {GpuLost: {forSeconds: -1}}}",
                                      "alerts: {rules: {GpuLost: {threshold: 1.5}}}",
                                      "alerts: {rules: {GpuLost: {enabled: 1}}}",
                                      "alerts: {rules: {GpuLost: {text: x}}}"};
    struct alert_settings s;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!read_settings(bad[i], &s))
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documentation_shows_the_rules), cmocka_unit_test(each_of_openpais_rules_has_a_counterpart),
        cmocka_unit_test(gpu_rules_are_those_of_the_causes), cmocka_unit_test(a_site_changes_rules),
        cmocka_unit_test(what_is_no_setting_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
