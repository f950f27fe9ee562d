/* SPDX-License-Identifier: MIT
 *
 * Tokens for slurmrestd, the waits of its breaker, and the key `slurm` of the configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "engines/slurm/rest.h"
#include "engines/slurm/slurm_config.h"
#include "engines/slurm/token.h"

static void a_token_has_slurm_s_claims_and_the_key_s_signature(void **state)
{
    static const char key[] = "0123456789abcdef0123456789abcdef";
    const struct token_key k = {.bytes = key, .len = 32, .user = "slurm"};
    char token[TOKEN_MAX + 1], text[256];
    unsigned char mac[crypto_auth_hmacsha256_BYTES], told[crypto_auth_hmacsha256_BYTES];
    size_t len = 0;
    int64_t iat = 0, exp = 0;
    struct err e = {0};
    (void)state;
    assert_int_equal(token_sign(&k, 1000, token, &e), 0);
    char *payload = strchr(token, '.') + 1, *signature = strrchr(token, '.');
    crypto_auth_hmacsha256(mac, (unsigned char *)token, (unsigned long long)(signature - token), (unsigned char *)key);
    assert_int_equal(sodium_base642bin(told, sizeof told, signature + 1, strlen(signature + 1), NULL, &len, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    assert_memory_equal(mac, told, sizeof mac);
    assert_int_equal(sodium_base642bin((unsigned char *)text, sizeof text, payload, (size_t)(signature - payload), NULL,
                                       &len, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    cJSON *o = json_parse(text, len, 0, NULL);
    assert_string_equal(cJSON_GetObjectItem(o, "sun")->valuestring, "slurm");
    assert_int_equal(json_get_int(o, "iat", &iat, NULL) | json_get_int(o, "exp", &exp, NULL), 0);
    assert_int_equal(iat, 1000);
    assert_int_equal(exp, 1000 + TOKEN_LIFE_S);
    cJSON_Delete(o);
}

static void a_site_s_token_is_one_word(void **state)
{
    static const struct {
        const char *text;
        int rc;
    } files[] = {{"SLURM_JWT=abc.def-1.g_h\n", 0}, {"abc.def.ghi", 0}, {"", -1}, {"two words\n", -1}, {"a\"b", -1}};
    char token[TOKEN_MAX + 1];
    struct err e = {0};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_int_equal(fs_write_atomic("slurm-token", files[i].text, strlen(files[i].text), 0600, &e), 0);
        assert_int_equal(token_from_file("slurm-token", token, &e), files[i].rc);
    }
    assert_int_equal(fs_write_atomic("slurm-token", "short", 5, 0600, &e), 0);
    assert_int_equal(token_from_key("slurm-token", "slurm", 1000, token, &e), -1);
    assert_int_equal(unlink("slurm-token"), 0);
    assert_int_equal(token_from_file("slurm-token", token, &e), -1);
}

static void waits_grow_to_a_limit(void **state)
{
    (void)state;
    assert_int_equal(rest_wait_ms(1), 250);
    assert_int_equal(rest_wait_ms(2), 500);
    assert_int_equal(rest_wait_ms(1000), 30000);
}

#define GOOD "url: http://127.0.0.1:6820/\nuser: slurm\nkeyFile: /k\nrunAs: drover\nfolder: /f\n"

static int read_config(struct arena *a, const char *text, struct slurm_settings *out, struct err *e)
{
    const struct doc_limits limits = {0};
    const struct doc *d = doc_parse_yaml(a, text, strlen(text), &limits, e);
    assert_non_null(d);
    return slurm_config_read(out, d, e);
}

static void the_configuration_is_checked(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"url: http://h\n", "user"},
        {"url: h:6820\nuser: slurm\nkeyFile: /k\nrunAs: drover\nfolder: /f\n", "url"},
        {GOOD "tokenFile: /t\n", "keyFile"},
        {GOOD "colour: red\n", "colour"},
        {GOOD "scontrol: scontrol\n", "scontrol"},
        {"url: http://h\nuser: slurm\nkeyFile: /k\nrunAs: root\nfolder: /f\n", "runAs"},
        {"url: http://h\nuser: slurm\nkeyFile: /k\nrunAs: slurm\nfolder: /f\n", "runAs"},
        {"url: http://h\nuser: slurm\nkeyFile: /k\nfolder: /f\n", "runAs"},
        {"url: http://h\nuser: slurm\nkeyFile: /k\nrunAs: drover\nfolder: \"/it's\"\n", "folder"},
    };
    struct slurm_settings s;
    struct err e = {0};
    (void)state;
    struct arena *a = arena_create(0);
    assert_int_equal(read_config(a, GOOD, &s, &e), 0);
    assert_string_equal(s.url, "http://127.0.0.1:6820");
    assert_string_equal(s.run_as, "drover");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        e = (struct err){0};
        assert_int_equal(read_config(a, bad[i].text, &s, &e), -1);
        if (!strstr(e.text, bad[i].part))
            fail_msg("%s: %s", bad[i].text, e.text);
    }
    arena_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_has_slurm_s_claims_and_the_key_s_signature),
        cmocka_unit_test(a_site_s_token_is_one_word),
        cmocka_unit_test(waits_grow_to_a_limit),
        cmocka_unit_test(the_configuration_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
