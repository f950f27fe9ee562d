/* SPDX-License-Identifier: MIT
 *
 * The exit catalogue against OpenPAI's, entry by entry, and its fall-backs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/exits.h"

/* OpenPAI's catalogue: code, phrase, type, reaction, stage, behaviour. */
static const struct {
    int code;
    const char *phrase, *type, *reaction, *stage, *behavior;
} openpai[] = {
    {0, "Succeeded", "USER_SUCCESS", "NEVER_RETRY", "COMPLETING", "UNKNOWN"},
    {-100, "ConfigMapExternalDeleted", "PLATFORM_FAILURE", "ALWAYS_RETRY", "UNKNOWN", "TRANSIENT"},
    {-101, "PodExternalDeleted", "PLATFORM_FAILURE", "ALWAYS_RETRY", "UNKNOWN", "TRANSIENT"},
    {-110, "ConfigMapLocalCacheCreationTimeout", "PLATFORM_FAILURE", "ALWAYS_RETRY", "LAUNCHING", "TRANSIENT"},
    {-111, "PodLocalCacheCreationTimeout", "PLATFORM_FAILURE", "ALWAYS_RETRY", "LAUNCHING", "TRANSIENT"},
    {-120, "PodCreationTransientError", "PLATFORM_FAILURE", "ALWAYS_RETRY", "LAUNCHING", "TRANSIENT"},
    {-200, "PodCreationPermanentError", "USER_FAILURE", "NEVER_RETRY", "SUBMITTING", "PERMANENT"},
    {-210, "StopFrameworkRequested", "USER_STOP", "NEVER_RETRY", "UNKNOWN", "PERMANENT"},
    {-220, "FrameworkAttemptCompletion", "USER_STOP", "NEVER_RETRY", "UNKNOWN", "PERMANENT"},
    {-230, "DeleteTaskRequested", "USER_STOP", "NEVER_RETRY", "UNKNOWN", "PERMANENT"},
    {-300, "PodFailedWithoutFailedContainer", "UNKNOWN_FAILURE", "RETRY_TO_MAX", "LAUNCHING", "UNKNOWN"},
    {-310, "PodCreationUnknownError", "UNKNOWN_FAILURE", "RETRY_TO_MAX", "LAUNCHING", "UNKNOWN"},
    {-1000, "PodEvicted", "PLATFORM_FAILURE", "ALWAYS_RETRY", "RUNNING", "TRANSIENT"},
    {-1001, "PodNodeLost", "PLATFORM_FAILURE", "ALWAYS_RETRY", "RUNNING", "TRANSIENT"},
    {-1002, "PodScheduledToInsufficientResourceNode", "PLATFORM_FAILURE", "ALWAYS_RETRY", "LAUNCHING", "TRANSIENT"},
    {-1003, "PodPreemptedForCriticalPod", "PLATFORM_FAILURE", "ALWAYS_RETRY", "RUNNING", "TRANSIENT"},
    {-1004, "PodDeadlineExceeded", "USER_STOP", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {-1005, "PodNodeAdmissionForbidden", "USER_FAILURE", "NEVER_RETRY", "LAUNCHING", "PERMANENT"},
    {-1006, "PodNodeAdmissionUnexpectedError", "PLATFORM_FAILURE", "ALWAYS_RETRY", "LAUNCHING", "TRANSIENT"},
    {-1100, "CreateFrameworkPermanentFailed", "USER_FAILURE", "NEVER_RETRY", "SUBMITTING", "PERMANENT"},
    {-1300, "InitContainerDockerOOMKilled", "PLATFORM_FAILURE", "ALWAYS_RETRY", "LAUNCHING", "TRANSIENT"},
    {-1200, "UserContainerDockerOOMKilled", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {-1201, "ContainerDockerCreationError", "UNKNOWN_FAILURE", "RETRY_TO_MAX", "LAUNCHING", "UNKNOWN"},
    {-1202, "ContainerDockerStartCmdPermissionDenied", "PLATFORM_FAILURE", "NEVER_RETRY", "LAUNCHING", "PERMANENT"},
    {-1203, "ContainerDockerStartCmdNotFound", "PLATFORM_FAILURE", "NEVER_RETRY", "LAUNCHING", "PERMANENT"},
    {-1204, "ContainerDockerStartUnknownError", "UNKNOWN_FAILURE", "RETRY_TO_MAX", "LAUNCHING", "UNKNOWN"},
    {-1205, "ContainerGpuDeviceNotFoundError", "PLATFORM_FAILURE", "ALWAYS_RETRY", "LAUNCHING", "TRANSIENT"},
    {128, "ContainerMayFailDueToGpuDeviceEccError", "PLATFORM_FAILURE", "RETRY_TO_MAX", "RUNNING", "UNKNOWN"},
    {130, "ContainerSigIntReceived", "PLATFORM_FAILURE", "ALWAYS_RETRY", "RUNNING", "TRANSIENT"},
    {131, "ContainerSigQuitReceived", "PLATFORM_FAILURE", "ALWAYS_RETRY", "RUNNING", "TRANSIENT"},
    {132, "ContainerSigIllReceived", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {134, "ContainerSigAbrtReceived", "UNKNOWN_FAILURE", "RETRY_TO_MAX", "RUNNING", "UNKNOWN"},
    {135, "ContainerSigBusReceived", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {136, "ContainerSigFpeReceived", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {137, "ContainerSigKillReceived", "PLATFORM_FAILURE", "ALWAYS_RETRY", "RUNNING", "TRANSIENT"},
    {139, "ContainerSigSegvReceived", "UNKNOWN_FAILURE", "RETRY_TO_MAX", "RUNNING", "UNKNOWN"},
    {141, "ContainerSigPipeReceived", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {143, "ContainerSigTermReceived", "PLATFORM_FAILURE", "ALWAYS_RETRY", "RUNNING", "TRANSIENT"},
    {220, "UserCommandExitWithError", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {221, "ContainerTensorflowOOMKilled", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {222, "ContainerMPISegvFault", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {223, "ContainerCudaUncorrectableECCError", "PLATFORM_FAILURE", "ALWAYS_RETRY", "RUNNING", "TRANSIENT"},
    {224, "ContainerCudaVersionMismatch", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {225, "ContainerCudaDnnVersionMismatch", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {226, "ContainerCudaOOMKilled", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {228, "ContainerIncorrectParameterError", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {229, "ContainerIncorrectDataModelError", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {230, "ContainerInvalidSavePath", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {231, "ContainerSyntaxError", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {232, "ContainerImportError", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {233, "ContainerIndexOutOfRange", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {234, "ContainerSigvFault", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {235, "ContainerEngineCoreDump", "USER_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {249, "PAIRuntimeSSHBarrierTimeout", "PLATFORM_FAILURE", "NEVER_RETRY", "RUNNING", "PERMANENT"},
    {250, "FrameworkBarrierTransientFailed", "PLATFORM_FAILURE", "ALWAYS_RETRY", "LAUNCHING", "TRANSIENT"},
    {251, "JobGangAllocationTimeout", "RESOURCE_ALLOCATION_TIMEOUT", "ALWAYS_BACKOFF_RETRY", "ALLOCATING",
     "TRANSIENT_CONFLICT"},
    {252, "FrameworkBarrierPermanentFailed", "PLATFORM_FAILURE", "NEVER_RETRY", "LAUNCHING", "PERMANENT"},
    {253, "ContainerPortConflict", "PLATFORM_FAILURE", "ALWAYS_RETRY", "LAUNCHING", "TRANSIENT"},
    {254, "ContainerImageNotExists", "USER_FAILURE", "NEVER_RETRY", "LAUNCHING", "PERMANENT"},
    {255, "PAIRuntimeUnknownFailed", "UNKNOWN_FAILURE", "RETRY_TO_MAX", "UNKNOWN", "UNKNOWN"},
    {-8000, "ContainerUndefinedNegativeExitCode", "UNKNOWN_FAILURE", "RETRY_TO_MAX", "UNKNOWN", "UNKNOWN"},
    {256, "PAIRuntimeExitAbnormally", "PLATFORM_FAILURE", "RETRY_TO_MAX", "UNKNOWN", "UNKNOWN"},
};
#define OPENPAI_COUNT (sizeof(openpai) / sizeof(openpai[0]))

/* Retried for ever there, counted here (exits_table.c says why). */
static bool counted_here(int code)
{
    return code == 130 || code == 131 || code == 137 || code == 143;
}

static void equals_openpai(void **state)
{
    (void)state;
    assert_int_equal(OPENPAI_COUNT, 62);
    for (size_t i = 0; i < OPENPAI_COUNT; i++) {
        const struct exit_entry *have = exits_find(openpai[i].code);

        assert_int_equal(have->code, openpai[i].code);
        assert_string_equal(have->phrase, openpai[i].phrase);
        assert_string_equal(exits_type_wire(have->type), openpai[i].type);
        assert_string_equal(exits_reaction_wire(have->reaction),
                            counted_here(have->code) ? "RETRY_TO_MAX" : openpai[i].reaction);
        assert_string_equal(have->stage, openpai[i].stage);
        assert_string_equal(have->behavior, openpai[i].behavior);
    }
}

static bool one_of(const char *word, const char *words)
{
    size_t len = strlen(word);

    for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static void every_entry_is_whole(void **state)
{
    size_t count = 0;
    const struct exit_entry *all = exits_all(&count);

    (void)state;
    assert_true(count >= OPENPAI_COUNT + 46);
    for (size_t i = 0; i < count; i++) {
        assert_true(one_of(all[i].issuer, "USER_CONTAINER PAI_OS PAI_RUNTIME PAI_DOCKER PAI_K8S PAI_FC "
                                          "PAI_DB_CONTROLLER"));
        assert_true(one_of(all[i].causer, "USER_SUBMISSION USER_CONTAINER USER_STOP USER_SCALEDOWN USER_RETRY "
                                          "USER_UPGRADE USER_UNKNOWN RESOURCE_ALLOCATION_TIMEOUT PAI_OS PAI_DOCKER "
                                          "PAI_RUNTIME PAI_K8S PAI_FC PAI_HW PAI_UNKNOWN UNKNOWN"));
        assert_non_null(all[i].reason);
        assert_true(strlen(all[i].reason) > 10);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(all[k].code, all[i].code);
            assert_string_not_equal(all[k].phrase, all[i].phrase);
        }
        /* who can do something about it is told what */
        if (all[i].type == EXIT_TYPE_USER || all[i].type == EXIT_TYPE_UNKNOWN)
            assert_non_null(all[i].solution[0]);
    }
}

static void fall_backs(void **state)
{
    (void)state;
    assert_string_equal(exits_find(1)->phrase, "UserCommandFailed");
    assert_ptr_equal(exits_find(7), exits_find(1));
    assert_ptr_equal(exits_find(199), exits_find(1));
    assert_ptr_equal(exits_find(257), exits_find(256));
    assert_ptr_equal(exits_find(-7), exits_find(-8000));
    assert_ptr_equal(exits_find(-9999), exits_find(-8000));
    assert_int_equal(exits_find(1)->type, EXIT_TYPE_UNKNOWN);
    assert_int_equal(exits_find(1)->reaction, EXIT_RETRY_TO_MAX);
    assert_int_equal(exits_find(127)->reaction, EXIT_NEVER_RETRY);
}

static void the_cores_own_codes_are_there(void **state)
{
    static const int codes[] = {EXIT_CODE_STOPPED,       EXIT_CODE_ATTEMPT_COMPLETED, EXIT_CODE_NODE_LOST,
                                EXIT_CODE_LAUNCH_LOST,   EXIT_CODE_PORT_CONFLICT,     EXIT_CODE_NO_IMAGE,
                                EXIT_CODE_ENGINE_REFUSED};

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        assert_int_equal(exits_find(codes[i])->code, codes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_openpai),
        cmocka_unit_test(every_entry_is_whole),
        cmocka_unit_test(fall_backs),
        cmocka_unit_test(the_cores_own_codes_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
