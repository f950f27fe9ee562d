/* SPDX-License-Identifier: MIT
 *
 * Every rule of the protocol, broken one at a time: the message, its line and column, and its pointer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "jobs/spec.h"

/* Has everything once, and is accepted. */
static const char good[] = "protocolVersion: 2\n"                                                             /* 1 */
                           "name: good\n"                                                                     /* 2 */
                           "type: job\n"                                                                      /* 3 */
                           "version: 1.0\n"                                                                   /* 4 */
                           "contributor: me\n"                                                                /* 5 */
                           "description: all of it\n"                                                         /* 6 */
                           "prerequisites:\n"                                                                 /* 7 */
                           "  - name: image\n"                                                                /* 8 */
                           "    type: dockerimage\n"                                                          /* 9 */
                           "    uri: debian\n"                                                                /* 10 */
                           "    auth: {username: u, password: p, registryuri: r}\n"                           /* 11 */
                           "  - name: in\n"                                                                   /* 12 */
                           "    type: data\n"                                                                 /* 13 */
                           "    uri: [a, b]\n"                                                                /* 14 */
                           "  - name: code\n"                                                                 /* 15 */
                           "    type: script\n"                                                               /* 16 */
                           "    uri: c\n"                                                                     /* 17 */
                           "    plugin: com.microsoft.pai.runtimeplugin.cmd\n"                                /* 18 */
                           "    failurePolicy: fail\n"                                                        /* 19 */
                           "    require: [in]\n"                                                              /* 20 */
                           "    callbacks: [{event: taskStarts, commands: [x]}]\n"                            /* 21 */
                           "parameters: {p: 1}\n"                                                             /* 22 */
                           "secrets: {s: t}\n"                                                                /* 23 */
                           "jobRetryCount: 1\n"                                                               /* 24 */
                           "taskRoles:\n"                                                                     /* 25 */
                           "  main:\n"                                                                        /* 26 */
                           "    instances: 1\n"                                                               /* 27 */
                           "    completion: {minFailedInstances: 1, minSucceededInstances: -1}\n"             /* 28 */
                           "    taskRetryCount: 0\n"                                                          /* 29 */
                           "    dockerImage: image\n"                                                         /* 30 */
                           "    data: in\n"                                                                   /* 31 */
                           "    script: code\n"                                                               /* 32 */
                           "    prerequisites: [code]\n"                                                      /* 33 */
                           "    extraContainerOptions: {shmMB: 64, infiniband: true}\n"                       /* 34 */
                           "    resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0, ports: {x: 1}}\n"          /* 35 */
                           "    commands: [run]\n"                                                            /* 36 */
                           "deployments: [{name: d, taskRoles: {main: {preCommands: [a]}}}]\n"                /* 37 */
                           "defaults: {virtualCluster: default, deployment: d}\n"                             /* 38 */
                           "extras:\n"                                                                        /* 39 */
                           "  submitFrom: test\n"                                                             /* 40 */
                           "  gangAllocation: true\n"                                                         /* 41 */
                           "  storages: [{name: s, mountPath: /m}]\n"                                         /* 42 */
                           "  jobStatusChangeNotification: {failed: true}\n"                                  /* 43 */
                           "  hivedScheduler: {jobPriorityClass: prod, taskRoles: {main: {skuType: K80}}}\n"  /* 44 */
                           "  com.microsoft.pai.runtimeplugin: [{plugin: ssh, parameters: {jobssh: true}}]\n" /* 45 */
                           "  tags: [a]\n"                                                                    /* 46 */
                           "  drover: {checkpoint: {name: c}, timeLimit: 60, stopGrace: 5}\n";                /* 47 */

struct bad {
    const char *find, *replace; /* in `good` */
    int line, column;
    const char *pointer, *text;
};

static const struct bad top[] = {
    {"name: good", "taskRolez: {}\nname: good", 2, 1, "/taskRolez",
     "unknown key \"taskRolez\" at the top level; did you mean \"taskRoles\"?"},
    {"jobRetryCount: 1", "jobretrycount: 1", 24, 1, "/jobretrycount",
     "unknown key \"jobretrycount\" at the top level; did you mean \"jobRetryCount\"?"},
    {"jobRetryCount: 1", "whatever: 1", 24, 1, "/whatever", "unknown key \"whatever\" at the top level"},
    {"protocolVersion: 2\n", "", 1, 1, "", "\"protocolVersion\" is missing at the top level"},
    {"protocolVersion: 2", "protocolVersion: 1", 1, 18, "/protocolVersion",
     "\"protocolVersion\" must be \"2\", not \"1\""},
    {"protocolVersion: 2", "protocolVersion:", 1, 17, "/protocolVersion",
     "\"protocolVersion\" is empty at the top level"},
    {"protocolVersion: 2", "protocolVersion: [2]", 1, 18, "/protocolVersion",
     "\"protocolVersion\" must be a string, not a list"},
    {"name: good\n", "", 1, 1, "", "\"name\" is missing at the top level"},
    {"name: good", "name: a b", 2, 7, "/name",
     "\"name\" must be of letters, digits, \"-\" and \"_\" only, not \"a b\""},
    {"name: good", "name: ''", 2, 7, "/name", "\"name\" must not be empty"},
    {"name: good", "name: 12", 2, 7, "/name", "\"name\" must be a string, not an integer; put it in quotes"},
    {"name: good",
     "name: "
     "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
     "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
     "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
     2, 7, "/name", "\"name\" must have at most 255 characters, not 256"},
    {"type: job", "type: jobs", 3, 7, "/type", "\"type\" must be \"job\", not \"jobs\""},
    {"version: 1.0", "version: true", 4, 10, "/version", "\"version\" must be a string, not a boolean"},
    {"contributor: me", "contributor: 1", 5, 14, "/contributor",
     "\"contributor\" must be a string, not an integer; put it in quotes"},
    {"parameters: {p: 1}", "parameters: [1]", 22, 13, "/parameters", "\"parameters\" must be a map, not a list"},
    {"secrets: {s: t}", "secrets: t", 23, 10, "/secrets", "\"secrets\" must be a map, not a string"},
    {"jobRetryCount: 1", "jobRetryCount: -1", 24, 16, "/jobRetryCount", "\"jobRetryCount\" must be at least 0, not -1"},
    {"jobRetryCount: 1", "jobRetryCount: 1.5", 24, 16, "/jobRetryCount",
     "\"jobRetryCount\" must be an integer, not a number"},
    {"jobRetryCount: 1", "jobRetryCount: '1'", 24, 16, "/jobRetryCount",
     "\"jobRetryCount\" must be an integer, not a string; take the quotes away"},
    {"extras:\n", "extras:\n  1: 2\n  1: 3\n", 41, 3, "", "not valid YAML at line 41, column 3: duplicate key"},
    {"secrets: {s: t}", "secrets: {s: '******'}", 23, 14, "/secrets/s",
     "a value here is masked (\"******\"); give the real one again"},
    {"secrets: {s: t}", "secrets: {s: {t: [1, '******']}}", 23, 22, "/secrets/s/t/1",
     "a value here is masked (\"******\"); give the real one again"},
};

static const struct bad prerequisites[] = {
    {"    type: data\n", "    type: date\n", 13, 11, "/prerequisites/1/type",
     "\"type\" must be one of \"dockerimage\", \"script\", \"data\", \"output\", not \"date\""},
    {"  - name: in\n    type: data\n", "  - type: data\n", 12, 5, "/prerequisites/1",
     "\"name\" is missing in prerequisite 2"},
    {"    type: data\n", "    type: 5\n", 13, 11, "/prerequisites/1/type",
     "\"type\" must be a string, not an integer; put it in quotes"},
    {"  - name: in\n", "  - name: in put\n", 12, 11, "/prerequisites/1/name",
     "\"name\" must be of letters, digits, \"-\" and \"_\" only, not \"in put\""},
    {"    uri: debian\n", "", 8, 5, "/prerequisites/0", "\"uri\" is missing in prerequisite 1"},
    {"    uri: debian\n", "    uri: [debian]\n", 10, 10, "/prerequisites/0/uri",
     "\"uri\" must be a string, not a list"},
    {"    uri: debian\n", "    uri: debian\n    plugin: x\n", 11, 5, "/prerequisites/0/plugin",
     "unknown key \"plugin\" in prerequisite 1"},
    {"password: p", "pasword: p", 11, 25, "/prerequisites/0/auth/pasword",
     "unknown key \"pasword\" in \"auth\"; did you mean \"password\"?"},
    {"password: p", "password: '******'", 11, 35, "/prerequisites/0/auth/password",
     "a value here is masked (\"******\"); give the real one again"},
    {"    uri: [a, b]\n", "    uri: a\n", 14, 10, "/prerequisites/1/uri", "\"uri\" must be a list, not a string"},
    {"    uri: [a, b]\n", "    uri: [a, 1]\n", 14, 14, "/prerequisites/1/uri/1",
     "entry 2 of \"uri\" must be a string, not an integer; put it in quotes"},
    {"    uri: c\n", "    uri: [c]\n", 17, 10, "/prerequisites/2/uri", "\"uri\" must be a string, not a list"},
    {"  - name: code\n    type: script\n    uri: c\n", "  - name: in\n    type: data\n    uri: [c]\n", 15, 11,
     "/prerequisites/2", "there is already a prerequisite of type data with the name \"in\""},
    {"runtimeplugin.cmd\n", "runtimeplugin.git\n", 18, 13, "/prerequisites/2/plugin",
     "\"plugin\" must be \"com.microsoft.pai.runtimeplugin.cmd\", not \"com.microsoft.pai.runtimeplugin.git\""},
    {"failurePolicy: fail\n", "failurePolicy: retry\n", 19, 20, "/prerequisites/2/failurePolicy",
     "\"failurePolicy\" must be one of \"ignore\", \"fail\", not \"retry\""},
    {"require: [in]", "require: [inn]", 20, 15, "/prerequisites/2/require/0",
     "there is no prerequisite with the name \"inn\""},
    {"require: [in]", "require: in", 20, 14, "/prerequisites/2/require", "\"require\" must be a list, not a string"},
    {"require: [in]", "require: [code]", 20, 5, "/prerequisites/2",
     "prerequisite \"code\" requires itself, directly or through others"},
    {"    uri: [a, b]\n", "    uri: [a, b]\n    require: [code]\n", 15, 5, "/prerequisites/1",
     "prerequisite \"in\" requires itself, directly or through others"},
    {"event: taskStarts", "event: taskFails", 21, 25, "/prerequisites/2/callbacks/0/event",
     "\"event\" must be one of \"taskStarts\", \"taskSucceeds\", not \"taskFails\""},
    {"event: taskStarts, ", "", 21, 17, "/prerequisites/2/callbacks/0", "\"event\" is missing in callback 1"},
    {"commands: [x]}]", "commands: []}]", 21, 47, "/prerequisites/2/callbacks/0/commands",
     "\"commands\" must have at least 1 entry, not 0"},
    {"commands: [x]}]", "command: [x]}]", 21, 37, "/prerequisites/2/callbacks/0/command",
     "unknown key \"command\" in callback 1; did you mean \"commands\"?"},
    {"  - name: in\n    type: data\n    uri: [a, b]\n", "  - in\n", 12, 5, "/prerequisites/1",
     "entry 2 of \"prerequisites\" must be a map, not a string"},
};

static const struct bad roles[] = {
    {"  main:\n", "  1main:\n", 26, 3, "/taskRoles/1main",
     "the name of a task role must be of letters, digits and \"_\" only and must not begin with a digit, not "
     "\"1main\""},
    {"  main:\n", "  ma-in:\n", 26, 3, "/taskRoles/ma-in",
     "the name of a task role must be of letters, digits and \"_\" only and must not begin with a digit, not "
     "\"ma-in\""},
    {"  main:\n", "  mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm:\n", 26, 3,
     "/taskRoles/mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm",
     "the name of a task role must be of at most 63 characters, not "
     "\"mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm\""},
    {"    instances: 1\n", "    instance: 1\n", 27, 5, "/taskRoles/main/instance",
     "unknown key \"instance\" in task role \"main\"; did you mean \"instances\"?"},
    {"    instances: 1\n", "    instances: 0\n", 27, 16, "/taskRoles/main/instances",
     "\"instances\" must be at least 1, not 0"},
    {"    instances: 1\n", "    instances: many\n", 27, 16, "/taskRoles/main/instances",
     "\"instances\" must be an integer, not a string"},
    {"    instances: 1\n", "    instances: 10001\n", 27, 16, "/taskRoles/main/instances",
     "\"instances\" must be at most 10000, not 10001"},
    {"    instances: 1\n", "    instances: true\n", 27, 16, "/taskRoles/main/instances",
     "\"instances\" must be an integer, not a boolean"},
    {"minFailedInstances: 1,", "minFailedInstances: 0,", 28, 38, "/taskRoles/main/completion/minFailedInstances",
     "\"minFailedInstances\" must be -1 or at least 1, not 0"},
    {"minFailedInstances: 1,", "minFailedInstances: -2,", 28, 38, "/taskRoles/main/completion/minFailedInstances",
     "\"minFailedInstances\" must be -1 or at least 1, not -2"},
    {"minFailedInstances: 1,", "minFailed: 1,", 28, 18, "/taskRoles/main/completion/minFailed",
     "unknown key \"minFailed\" in \"completion\"; did you mean \"minFailedInstances\"?"},
    {"minSucceededInstances: -1}", "minSucceededInstances: all}", 28, 64,
     "/taskRoles/main/completion/minSucceededInstances", "\"minSucceededInstances\" must be an integer, not a string"},
    {"taskRetryCount: 0", "taskRetryCount: -1", 29, 21, "/taskRoles/main/taskRetryCount",
     "\"taskRetryCount\" must be at least 0, not -1"},
    {"    dockerImage: image\n", "", 26, 3, "/taskRoles/main", "\"dockerImage\" is missing in task role \"main\""},
    {"dockerImage: image", "dockerImage: nothere", 30, 18, "/taskRoles/main/dockerImage",
     "\"dockerImage\" names \"nothere\", but there is no prerequisite of type dockerimage with this name"},
    {"dockerImage: image", "dockerImage: in", 30, 18, "/taskRoles/main/dockerImage",
     "\"dockerImage\" names \"in\", but there is no prerequisite of type dockerimage with this name"},
    {"dockerImage: image", "dockerImage:", 30, 17, "/taskRoles/main/dockerImage",
     "\"dockerImage\" is empty in task role \"main\""},
    {"    data: in\n", "    data: code\n", 31, 11, "/taskRoles/main/data",
     "\"data\" names \"code\", but there is no prerequisite of type data with this name"},
    {"    script: code\n", "    script: in\n", 32, 13, "/taskRoles/main/script",
     "\"script\" names \"in\", but there is no prerequisite of type script with this name"},
    {"    script: code\n", "    output: code\n", 32, 13, "/taskRoles/main/output",
     "\"output\" names \"code\", but there is no prerequisite of type output with this name"},
    {"prerequisites: [code]", "prerequisites: [code, cod]", 33, 27, "/taskRoles/main/prerequisites/1",
     "there is no prerequisite with the name \"cod\""},
    {"prerequisites: [code]", "prerequisites: code", 33, 20, "/taskRoles/main/prerequisites",
     "\"prerequisites\" must be a list, not a string"},
    {"shmMB: 64", "shmMB: 0", 34, 36, "/taskRoles/main/extraContainerOptions/shmMB",
     "\"shmMB\" must be at least 1, not 0"},
    {"infiniband: true", "infiniband: 1", 34, 52, "/taskRoles/main/extraContainerOptions/infiniband",
     "\"infiniband\" must be true or false, not an integer"},
    {"infiniband: true", "infiniBand: true", 34, 40, "/taskRoles/main/extraContainerOptions/infiniBand",
     "unknown key \"infiniBand\" in \"extraContainerOptions\"; did you mean \"infiniband\"?"},
    {"    resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0, ports: {x: 1}}\n", "", 26, 3, "/taskRoles/main",
     "\"resourcePerInstance\" is missing in task role \"main\""},
    {"cpu: 1, ", "", 35, 5, "/taskRoles/main/resourcePerInstance", "\"cpu\" is missing in \"resourcePerInstance\""},
    {"cpu: 1, ", "cpu: 0, ", 35, 32, "/taskRoles/main/resourcePerInstance/cpu", "\"cpu\" must be at least 1, not 0"},
    {"cpu: 1, ", "cpu: 0.5, ", 35, 32, "/taskRoles/main/resourcePerInstance/cpu",
     "\"cpu\" must be an integer, not a number"},
    {"memoryMB: 2", "memoryMb: 2", 35, 35, "/taskRoles/main/resourcePerInstance/memoryMb",
     "unknown key \"memoryMb\" in \"resourcePerInstance\"; did you mean \"memoryMB\"?"},
    {"memoryMB: 2", "memoryMB: 1e99", 35, 45, "/taskRoles/main/resourcePerInstance/memoryMB",
     "\"memoryMB\" must be an integer, not a number"},
    {"gpu: 0", "gpu: -1", 35, 53, "/taskRoles/main/resourcePerInstance/gpu", "\"gpu\" must be at least 0, not -1"},
    {"gpu: 0", "gpu: 65", 35, 53, "/taskRoles/main/resourcePerInstance/gpu", "\"gpu\" must be at most 64, not 65"},
    {"ports: {x: 1}", "ports: {x-y: 1}", 35, 64, "/taskRoles/main/resourcePerInstance/ports/x-y",
     "the name of a port label must be of letters, digits and \"_\" only and must not begin with a digit, not \"x-y\""},
    {"ports: {x: 1}", "ports: {x: 0}", 35, 67, "/taskRoles/main/resourcePerInstance/ports/x",
     "\"x\" must be at least 1, not 0"},
    {"ports: {x: 1}", "ports: [x]", 35, 63, "/taskRoles/main/resourcePerInstance/ports",
     "\"ports\" must be a map, not a list"},
    {"ports: {x: 1}", "ports: {x: 127}", 35, 63, "/taskRoles/main/resourcePerInstance/ports",
     "a task of role \"main\" asks for 129 ports, ssh and http counted; at most 128 are given"},
    {"ports: {x: 1}", "ports: {x: 129}", 35, 67, "/taskRoles/main/resourcePerInstance/ports/x",
     "\"x\" must be at most 128, not 129"},
    {"    commands: [run]\n", "", 26, 3, "/taskRoles/main", "\"commands\" is missing in task role \"main\""},
    {"    commands: [run]\n", "    commands: []\n", 36, 15, "/taskRoles/main/commands",
     "\"commands\" must have at least 1 entry, not 0"},
    {"    commands: [run]\n", "    commands: run\n", 36, 15, "/taskRoles/main/commands",
     "\"commands\" must be a list, not a string"},
    {"    commands: [run]\n", "    commands: [run, true]\n", 36, 21, "/taskRoles/main/commands/1",
     "entry 2 of \"commands\" must be a string, not a boolean; put it in quotes"},
    {"    commands: [run]\n", "    commands: [run, {a: b}]\n", 36, 21, "/taskRoles/main/commands/1",
     "entry 2 of \"commands\" must be a string, not a map"},
    {"    commands: [run]\n",
     "    commands: [run]\n  __: {dockerImage: image, commands: [a], resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: "
     "0}}\n",
     37, 3, "/taskRoles/__", "the name of a task role must have at least one letter or digit, not \"__\""},
    {"    commands: [run]\n",
     "    commands: [run]\n  Ma_in: {dockerImage: image, commands: [a], resourcePerInstance: {cpu: 1, memoryMB: 1, "
     "gpu: 0}}\n",
     37, 3, "/taskRoles/Ma_in",
     "task roles \"main\" and \"Ma_in\" have the same name in the job's status (\"main\"): case and \"_\" do not count "
     "there"},
    {"    commands: [run]\n",
     "    commands: [run]\n  b: {instances: 10000, dockerImage: image, commands: [a], resourcePerInstance: {cpu: 1, "
     "memoryMB: 1, gpu: 0}}\n",
     37, 18, "/taskRoles/b/instances", "the job has more than 10000 tasks in all its roles"},
    {"    commands: [run]\n", "    commands: [run]\n  b:\n", 37, 5, "/taskRoles/b", "\"b\" must be a map, not null"},
};

static const struct bad deployments[] = {
    {"deployments: [{name: d, ", "deployments: [{name: d, taskRoles: {main: {preCommands: [b]}}}, {name: d, ", 37, 72,
     "/deployments/1/name", "there is already a deployment \"d\""},
    {"deployments: [{name: d, ", "deployments: [{", 37, 15, "/deployments/0", "\"name\" is missing in deployment 1"},
    {"{main: {preCommands", "{mane: {preCommands", 37, 37, "/deployments/0/taskRoles/mane",
     "there is no task role \"mane\""},
    {"preCommands: [a]", "preCommands: []", 37, 57, "/deployments/0/taskRoles/main/preCommands",
     "\"preCommands\" must have at least 1 entry, not 0"},
    {"preCommands: [a]", "precommands: [a]", 37, 44, "/deployments/0/taskRoles/main/precommands",
     "unknown key \"precommands\" in task role \"main\"; did you mean \"preCommands\"?"},
    {"preCommands: [a]", "preCommands: a", 37, 57, "/deployments/0/taskRoles/main/preCommands",
     "\"preCommands\" must be a list, not a string"},
    {"deployment: d}", "deployment: e}", 38, 49, "/defaults/deployment", "there is no deployment \"e\""},
    {"deployment: d}", "deployments: d}", 38, 37, "/defaults/deployments",
     "unknown key \"deployments\" in \"defaults\"; did you mean \"deployment\"?"},
    {"virtualCluster: default", "virtualCluster: ''", 38, 28, "/defaults/virtualCluster",
     "\"virtualCluster\" must not be empty"},
    {"deployments: [{name: d, taskRoles: {main: {preCommands: [a]}}}]", "deployments: []", 37, 14, "/deployments",
     "\"deployments\" must have at least 1 entry, not 0"},
};

static const struct bad extras[] = {
    {"extras:\n", "extras: [1]\nparameter:\n", 39, 9, "/extras", "\"extras\" must be a map, not a list"},
    {"submitFrom: test", "submitFrom: 1", 40, 15, "/extras/submitFrom",
     "\"submitFrom\" must be a string, not an integer; put it in quotes"},
    {"gangAllocation: true", "gangAllocation: perhaps", 41, 19, "/extras/gangAllocation",
     "\"gangAllocation\" must be true or false"},
    {"storages: [{name: s, mountPath: /m}]", "storages: [{mountPath: /m}]", 42, 14, "/extras/storages/0",
     "\"name\" is missing in storage 1"},
    {"storages: [{name: s, mountPath: /m}]", "storages: s", 42, 13, "/extras/storages",
     "\"storages\" must be a list, not a string"},
    {"{failed: true}", "{fail: true}", 43, 33, "/extras/jobStatusChangeNotification/fail",
     "unknown key \"fail\" in \"jobStatusChangeNotification\"; did you mean \"failed\"?"},
    {"{failed: true}", "{failed: 1}", 43, 41, "/extras/jobStatusChangeNotification/failed",
     "\"failed\" must be true or false, not an integer"},
    {"jobPriorityClass: prod", "jobPriorityClass: production", 44, 38, "/extras/hivedScheduler/jobPriorityClass",
     "\"jobPriorityClass\" must be one of \"crit\", \"prod\", \"test\", \"oppo\", not \"production\""},
    {"taskRoles: {main: {skuType: K80}}}", "taskRoles: {mein: {skuType: K80}}}", 44, 56,
     "/extras/hivedScheduler/taskRoles/mein", "there is no task role \"mein\""},
    {"{skuType: K80}", "{skuType: K80, pinnedCellId: x}", 44, 91, "/extras/hivedScheduler/taskRoles/main/pinnedCellId",
     "task role \"main\" has both \"skuType\" and \"pinnedCellId\"; give one of them"},
    {"{skuType: K80}", "{skuType: K80, skuNum: 0}", 44, 85, "/extras/hivedScheduler/taskRoles/main/skuNum",
     "\"skuNum\" must be at least 1, not 0"},
    {"{skuType: K80}", "{skuTyp: K80}", 44, 63, "/extras/hivedScheduler/taskRoles/main/skuTyp",
     "unknown key \"skuTyp\" in task role \"main\"; did you mean \"skuType\"?"},
    {"plugin: ssh", "plugin: sssh", 45, 46, "/extras/com.microsoft.pai.runtimeplugin/0/plugin",
     "\"plugin\" must be one of \"ssh\", \"tensorboard\", \"teamwise_storage\", \"cmd\", \"git\", not \"sssh\""},
    {"{plugin: ssh, ", "{", 45, 37, "/extras/com.microsoft.pai.runtimeplugin/0", "\"plugin\" is missing in plugin 1"},
    {"jobssh: true", "jobssh: yes", 45, 72, "/extras/com.microsoft.pai.runtimeplugin/0/parameters/jobssh",
     "\"jobssh\" must be true or false, not a string"},
    {"jobssh: true", "userssh: {type: custom, value: a key}", 45, 95,
     "/extras/com.microsoft.pai.runtimeplugin/0/parameters/userssh/value",
     "This is no public key of ssh; one is a line as of a file id_ed25519.pub: \"ssh-ed25519 AAAA...\"."},
    {"jobssh: true", "sshbarrierTimeout: -1", 45, 83,
     "/extras/com.microsoft.pai.runtimeplugin/0/parameters/sshbarrierTimeout",
     "\"sshbarrierTimeout\" must be at least 0, not -1"},
    {"{plugin: ssh, parameters: {jobssh: true}}", "{plugin: tensorboard, parameters: {port: 70000}}", 45, 78,
     "/extras/com.microsoft.pai.runtimeplugin/0/parameters/port", "\"port\" must be at most 65535, not 70000"},
    {"{plugin: ssh, parameters: {jobssh: true}}", "{plugin: git, parameters: {clone_dir: x}}", 45, 51,
     "/extras/com.microsoft.pai.runtimeplugin/0/parameters", "\"repo_uri\" is missing in \"parameters\""},
    {"{plugin: ssh, parameters: {jobssh: true}}", "{plugin: cmd, parameters: {preCommands: x}}", 45, 77,
     "/extras/com.microsoft.pai.runtimeplugin/0/parameters/preCommands",
     "\"preCommands\" must be a list, not a string"},
    {"{plugin: ssh, parameters: {jobssh: true}}", "{plugin: teamwise_storage, parameters: {storageConfigNames: [1]}}",
     45, 98, "/extras/com.microsoft.pai.runtimeplugin/0/parameters/storageConfigNames/0",
     "entry 1 of \"storageConfigNames\" must be a string, not an integer; put it in quotes"},
    {"{plugin: ssh, parameters: {jobssh: true}}", "{plugin: ssh, failurePolicy: never}", 45, 66,
     "/extras/com.microsoft.pai.runtimeplugin/0/failurePolicy",
     "\"failurePolicy\" must be one of \"ignore\", \"fail\", not \"never\""},
    {"tags: [a]", "tags: a", 46, 9, "/extras/tags", "\"tags\" must be a list, not a string"},
    {"{checkpoint: {name: c}", "{checkpoint: {name: ../c}", 47, 31, "/extras/drover/checkpoint/name",
     "\"name\" must be of letters, digits, \".\", \"-\" and \"_\" only, not \"../c\""},
    {"{checkpoint: {name: c}", "{checkpoint: {name: .c}", 47, 31, "/extras/drover/checkpoint/name",
     "\"name\" must begin with a letter, a digit or \"_\", not \".c\""},
    {"{checkpoint: {name: c}", "{checkpoint: {}", 47, 12, "/extras/drover/checkpoint",
     "\"name\" is missing in \"checkpoint\""},
    {"timeLimit: 60", "timeLimit: 0", 47, 46, "/extras/drover/timeLimit", "\"timeLimit\" must be at least 1, not 0"},
    {"timeLimit: 60", "timelimit: 60", 47, 35, "/extras/drover/timelimit",
     "unknown key \"timelimit\" in \"drover\"; did you mean \"timeLimit\"?"},
    {"stopGrace: 5", "debugReservation: {on: never}", 47, 73, "/extras/drover/debugReservation/on",
     "\"on\" must be one of \"userFailure\", \"always\", not \"never\""},
    {"stopGrace: 5", "debugReservation: {hold: all}", 47, 75, "/extras/drover/debugReservation/hold",
     "\"hold\" must be one of \"gpus\", \"sandbox\", not \"all\""},
    {"stopGrace: 5", "debugReservation: {maxMinutes: 10081}", 47, 81, "/extras/drover/debugReservation/maxMinutes",
     "\"maxMinutes\" must be at most 10080, not 10081"},
    {"stopGrace: 5", "debugReservation: {maxMinutes: 0}", 47, 81, "/extras/drover/debugReservation/maxMinutes",
     "\"maxMinutes\" must be at least 1, not 0"},
    {"stopGrace: 5", "debugReservation: {minutes: 5}", 47, 69, "/extras/drover/debugReservation/minutes",
     "unknown key \"minutes\" in \"debugReservation\""},
    {"stopGrace: 5", "stopGrace: 3601", 47, 61, "/extras/drover/stopGrace",
     "\"stopGrace\" must be at most 3600, not 3601"},
    {"{checkpoint: {name: c}", "{checkpoint: {name: c, grace: 3601}", 47, 41, "/extras/drover/checkpoint/grace",
     "\"grace\" must be at most 3600, not 3601"},
    {"{checkpoint: {name: c}", "{checkpoint: {name: c, signal: KILL}", 47, 42, "/extras/drover/checkpoint/signal",
     "\"signal\" must be one of \"TERM\", \"INT\", \"HUP\", \"USR1\", \"USR2\", not \"KILL\""},
};

static char *changed(const struct bad *row)
{
    const char *at = strstr(good, row->find);
    struct buf b;

    if (!at || strstr(at + 1, row->find))
        fail_msg("\"%s\" must stand once in the good text", row->find);
    buf_init(&b, 0);
    buf_add(&b, good, (size_t)(at - good));
    buf_adds(&b, row->replace);
    buf_adds(&b, at + strlen(row->find));
    return buf_take(&b, NULL);
}

static int check_one(const struct bad *row)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    char *text = changed(row);
    int wrong = 1;

    if (spec_parse(a, text, strlen(text), &e))
        print_error("accepted: %s\n", row->replace);
    else if (e.code != ERR_INVALID_PROTOCOL || e.line != row->line || e.column != row->column ||
             strcmp(e.pointer, row->pointer) != 0 || strcmp(e.text, row->text) != 0)
        print_error("{\"%s\", \"%s\", %d, %d, \"%s\", \"%s\"},\n", row->find, row->replace, e.line, e.column, e.pointer,
                    e.text);
    else
        wrong = 0;
    free(text);
    arena_destroy(a);
    return wrong;
}

static void check_all(const struct bad *rows, size_t count)
{
    int wrong = 0;

    for (size_t i = 0; i < count; i++)
        wrong += check_one(&rows[i]);
    assert_int_equal(wrong, 0);
}

#define CHECK(rows) check_all(rows, sizeof(rows) / sizeof((rows)[0]))

static void the_good_text_is_good(void **state)
{
    struct arena *a = arena_create(0);
    struct err e = {0};

    (void)state;
    if (!spec_parse(a, good, strlen(good), &e))
        fail_msg("%d:%d %s", e.line, e.column, e.text);
    arena_destroy(a);
}

static void bad_top(void **state)
{
    (void)state;
    CHECK(top);
}

static void bad_prerequisites(void **state)
{
    (void)state;
    CHECK(prerequisites);
}

static void bad_roles(void **state)
{
    (void)state;
    CHECK(roles);
}

static void bad_deployments(void **state)
{
    (void)state;
    CHECK(deployments);
}

static void bad_extras(void **state)
{
    (void)state;
    CHECK(extras);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_good_text_is_good), cmocka_unit_test(bad_top),
        cmocka_unit_test(bad_prerequisites),     cmocka_unit_test(bad_roles),
        cmocka_unit_test(bad_deployments),       cmocka_unit_test(bad_extras),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
