/* SPDX-License-Identifier: MIT
 *
 * What the views of the cluster are made of: quotas as typed, the tree of virtual clusters, sums of GPUs, the layout of
 * the map, the dialog with fields, curves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/bars.h"
#include "tui/canvas.h"
#include "tui/demo.h"
#include "tui/inputs.h"
#include "tui/model_cluster.h"
#include "tui/quota.h"
#include "tui/views/fleet_grid.h"

/* ---- quotas ---- */

static void assert_quota(const char *typed, const char *written)
{
    struct json_out j;
    struct buf b;
    struct err e = {0};
    int rc;

    buf_init(&b, 0);
    json_out_init(&j, &b);
    rc = quota_write(typed, &j, &e);
    assert_int_equal(rc, written[0] == '[' ? 0 : -1);
    assert_string_equal(rc ? e.text : buf_str(&b), written);
    buf_fini(&b);
}

static void quotas_are_read_as_people_type_them(void **state)
{
    (void)state;
    assert_quota("", "[]");
    assert_quota("a100=16", "[{\"sku\":\"a100\",\"gpus\":16}]");
    assert_quota(" a100 = 16 , v100=2 nodes", "[{\"sku\":\"a100\",\"gpus\":16},{\"sku\":\"v100\",\"nodes\":2}]");
    assert_quota("x=1 node,y=1 rack", "[{\"sku\":\"x\",\"nodes\":1},{\"sku\":\"y\",\"racks\":1}]");
    assert_quota("A \"b\"=0", "[{\"sku\":\"A \\\"b\\\"\",\"gpus\":0}]");
}

static void a_quota_that_is_none_is_refused_with_its_words(void **state)
{
    (void)state;
    assert_quota("a100", "\"a100\" is not like a100=16 or v100=2 nodes.");
    assert_quota("a100=-1", "\"a100=-1\" is not like a100=16 or v100=2 nodes.");
    assert_quota("a100=9999999999999", "\"a100=9999999999999\" is not like a100=16 or v100=2 nodes.");
    assert_quota("=4", "\"=4\" is not like a100=16 or v100=2 nodes.");
    assert_quota("a=4 miles", "\"miles\" is none of: nodes sockets racks pods, or nothing for GPUs.");
    assert_quota("a=4,", "A SKU is missing beside a comma.");
    assert_quota(",a=4", "A SKU is missing beside a comma.");
}

/* ---- replies ---- */

static cJSON *parsed(const char *text)
{
    cJSON *json = json_parse(text, strlen(text), 0, NULL);

    assert_non_null(json);
    return json;
}

static void virtual_clusters_stand_below_their_parents(void **state)
{
    cJSON *json = parsed("{\"z\":{\"parent\":\"b\"},\"b\":{\"parent\":\"\"},\"a\":{\"parent\":\"b\"},"
                         "\"y\":{\"parent\":\"z\"},\"lost\":{\"parent\":\"unseen\"}}");
    struct arena *a = arena_create(0);
    struct model_vcs list;
    char text[128] = "";

    (void)state;
    assert_int_equal(model_read_vcs(a, json, &list), 0);
    for (size_t i = 0; i < list.count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d%s ", list.items[i].depth, list.items[i].name);
    assert_string_equal(text, "0b 1a 1z 2y 0lost ");
    cJSON_Delete(json);
    arena_destroy(a);
}

static void each_gpu_is_counted_once(void **state)
{
    cJSON *json =
        parsed("{\"jobs\":[{\"username\":\"ana\",\"name\":\"x\",\"virtualCluster\":\"v\"}],\"nodes\":["
               "{\"name\":\"n10\",\"state\":\"up\",\"sku\":\"a\",\"job\":[0,0,null,null,-1],"
               "\"utilization\":[50,0,0,0,null],\"wrong\":[null,\"failed\",\"lost\",\"degraded\",null]},"
               "{\"name\":\"n9\",\"state\":\"cordoned\",\"sku\":\"a\",\"job\":[null,7],\"utilization\":[0,3]},"
               "{\"name\":\"m\",\"state\":\"up\",\"sku\":\"\",\"job\":[null]}]}");
    struct arena *a = arena_create(0);
    struct model_fleet f;
    struct model_sum s[4];

    (void)state;
    assert_int_equal(model_read_fleet(a, json, &f), 0);
    assert_string_equal(f.tiles[1].name, "n9"); /* before n10 */
    assert_int_equal(f.tiles[1].cells[1].holder, MODEL_HIDDEN);
    assert_int_equal(model_sums(&f, s, 4), 2);
    assert_int_equal(s[0].free_, 1);
    assert_int_equal(s[1].total, 7);
    assert_int_equal(s[1].busy, 3);
    assert_int_equal(s[1].idle, 1);
    assert_int_equal(s[1].free_, 1); /* degraded takes work still */
    assert_int_equal(s[1].out, 2);
    assert_int_equal(s[1].wrong, 3);
    cJSON_Delete(json);
    arena_destroy(a);
}

static void curves_have_gaps_where_nothing_was_told(void **state)
{
    cJSON *json = parsed("[{\"index\":0,\"sample\":{\"memoryTotal\":200},\"history\":{"
                         "\"time\":[100000,101000,140000,141000],\"utilization\":[10,null,30,40],"
                         "\"memoryUsed\":[100,100,50,200]}}]");
    struct arena *a = arena_create(0);
    struct model_devices list;
    const int *busy;

    (void)state;
    assert_int_equal(model_read_devices(a, json, &list), 0);
    busy = list.items[0].busy + MODEL_SERIES - 1;
    assert_int_equal(busy[0], 40);
    assert_int_equal(busy[-1], 30);
    assert_int_equal(busy[-2], -1);  /* too long after the sample before */
    assert_int_equal(busy[-40], -1); /* its driver did not say */
    assert_int_equal(busy[-41], 10);
    assert_int_equal(list.items[0].memory[MODEL_SERIES - 1], 100);
    assert_int_equal(list.items[0].memory[MODEL_SERIES - 2], 25);
    cJSON_Delete(json);
    arena_destroy(a);
}

/* ---- the map ---- */

static bool begins(const void *context, size_t at)
{
    return at == 0 || at == *(const size_t *)context;
}

static void the_map_has_a_line_for_a_group_s_head(void **state)
{
    size_t second = 5;
    struct fleet_grid g = {.lines = NULL};

    (void)state;
    /* Tiles of 4 + 1 + 8 + 2 columns: three fit into 50. */
    fleet_grid_make(&g, &(struct fleet_grid_of){begins, &second, 9, 50, 4, 8});
    g.height = 3;
    assert_int_equal(g.per, 3);
    assert_int_equal(g.count, 6); /* head, 3, 2, head, 3, 1 */
    assert_true(g.lines[3].head);
    assert_int_equal(fleet_grid_move(&g, 2, 1), 4); /* the last of a shorter line */
    assert_int_equal(fleet_grid_move(&g, 4, 1), 6); /* over the head */
    assert_int_equal(fleet_grid_move(&g, 6, -1), 4);
    assert_int_equal(fleet_grid_move(&g, 0, -1), 0);
    assert_int_equal(fleet_grid_move(&g, 0, 99), 8);
    assert_int_equal(fleet_grid_top(&g, 8, 0), 3);
    assert_int_equal(fleet_grid_top(&g, 0, 3), 0); /* with its head */
    fleet_grid_fini(&g);
}

/* A recording of so many nodes with eight GPUs. */
static void write_fleet(struct buf *b, int nodes)
{
    (void)buf_adds(b, "{\"now\":1000,\"session\":{\"user\":\"ana\",\"admin\":true},\"jobs\":[],\"details\":{},"
                      "\"nodes\":[],\"replies\":{\"GET /api/v2/gpus\":{\"jobs\":[{\"username\":\"ana\",\"name\":\"x\","
                      "\"virtualCluster\":\"v\"}],\"nodes\":[");
    for (int i = 0; i < nodes; i++)
        (void)buf_addf(
            b,
            "%s{\"name\":\"gpu-%04d\",\"state\":\"up\",\"sku\":\"sku%d\",\"model\":\"X\",\"simulated\":false,"
            "\"utilization\":[1,20,30,40,50,60,80,0],\"memory\":[1,2,3,4,5,6,7,8],"
            "\"wrong\":[null,null,null,null,null,null,null,null],\"job\":[0,0,0,0,0,0,0,null]}",
            i ? "," : "", i, i / 700);
    (void)buf_adds(b, "]}}}");
}

static void type(struct app *app, const char *keys)
{
    for (; *keys; keys++) {
        app_key(app, *keys == '\n' ? KEYS_ENTER : *keys);
        app_take(app);
    }
}

static void sixteen_thousand_gpus_are_a_map(void **state)
{
    struct buf data, screen;
    struct err e = {0};
    struct app app;
    struct source *s;

    (void)state;
    buf_init(&data, 0);
    buf_init(&screen, 0);
    write_fleet(&data, 2000);
    s = demo_create(buf_str(&data), data.len, &e);
    assert_non_null(s);
    assert_int_equal(app_init(&app, &(struct app_config){.source = s, .context = "t", .recorded = true}, &e), 0);
    app_resize(&app, 60, 200);
    app_take(&app);
    type(&app, ":gpus\nG");
    app_draw(&app);
    (void)canvas_dump(&app.canvas, &screen);
    assert_non_null(strstr(buf_str(&screen), "gpus [2000/2000 nodes]"));
    assert_non_null(strstr(buf_str(&screen), "gpu-1999 ▁▂▂▃▄▅▆░"));
    type(&app, "/gpu-07.. !99\n");
    app_draw(&app);
    buf_reset(&screen);
    (void)canvas_dump(&app.canvas, &screen);
    assert_non_null(strstr(buf_str(&screen), "[99/99 nodes]"));
    assert_non_null(strstr(buf_str(&screen), "sku1  693 of 792 GPUs held"));
    app_fini(&app);
    source_destroy(s);
    buf_fini(&data);
    buf_fini(&screen);
}

/* ---- the dialog with fields ---- */

static void press(struct inputs *f, const char *keys)
{
    for (; *keys; keys++)
        (void)inputs_key(f, *keys);
}

static void inputs_send_only_from_their_verb_and_keep_what_was_refused(void **state)
{
    struct inputs f;

    (void)state;
    inputs_begin(&f, "Quota", "Save");
    (void)inputs_add(&f, "Borrow", "", "8");
    f.open = true;
    press(&f, "4");
    assert_string_equal(f.fields[0].text, "84");
    assert_int_equal(inputs_key(&f, KEYS_ENTER), INPUTS_GOES_ON);
    assert_int_equal(inputs_key(&f, KEYS_ENTER), INPUTS_SUBMITTED);
    assert_int_equal(inputs_key(&f, KEYS_ENTER), INPUTS_GOES_ON); /* it waits: nothing is sent twice */
    inputs_refuse(&f, "no \x1b[2Jmore");
    assert_string_equal(f.said, "no \\x1b[2Jmore");
    assert_string_equal(f.fields[0].text, "84");
    assert_int_equal(inputs_key(&f, KEYS_RIGHT), INPUTS_GOES_ON);
    assert_int_equal(inputs_key(&f, KEYS_ENTER), INPUTS_CANCELLED);
    assert_false(f.open);
}

static void a_field_loses_whole_characters(void **state)
{
    struct inputs f;

    (void)state;
    inputs_begin(&f, "t", "Save");
    (void)inputs_add(&f, "Text", "", "aé");
    (void)inputs_key(&f, KEYS_BACKSPACE);
    assert_string_equal(f.fields[0].text, "a");
    (void)inputs_key(&f, 0x4e2d);
    assert_string_equal(f.fields[0].text, "a中");
    (void)inputs_key(&f, KEYS_CTRL_U);
    (void)inputs_key(&f, KEYS_BACKSPACE);
    assert_string_equal(f.fields[0].text, "");
}

/* ---- pictures ---- */

static void assert_bar(const struct bars_part parts[4], int64_t whole, bool ascii, const char *shows)
{
    struct canvas c = {.ascii = ascii};
    struct canvas_pen pen;
    struct buf out;

    assert_int_equal(canvas_resize(&c, 1, 12), 0);
    pen = canvas_row(&c, 0, 0);
    bars_draw(&c, &pen, 10, parts, whole);
    assert_int_equal(pen.col, 10);
    canvas_put(&c, &pen, "|");
    buf_init(&out, 0);
    (void)canvas_dump(&c, &out);
    assert_int_equal(strncmp(buf_str(&out), shows, strlen(shows)), 0);
    buf_fini(&out);
    canvas_fini(&c);
}

static void bars_show_each_part(void **state)
{
    (void)state;
    assert_bar((struct bars_part[4]){{BARS_USED, 5}, {BARS_FREE, 5}}, 0, false, "█████░░░░░|");
    assert_bar((struct bars_part[4]){{BARS_USED, 1}, {BARS_BORROWED, 1}, {BARS_FREE, 998}}, 0, true, "#+........|");
    assert_bar((struct bars_part[4]){{BARS_USED, 5}}, 20, true, "###       |");
    assert_bar((struct bars_part[4]){{BARS_FREE, 0}}, 0, true, "          |");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas_are_read_as_people_type_them),
        cmocka_unit_test(a_quota_that_is_none_is_refused_with_its_words),
        cmocka_unit_test(virtual_clusters_stand_below_their_parents),
        cmocka_unit_test(each_gpu_is_counted_once),
        cmocka_unit_test(curves_have_gaps_where_nothing_was_told),
        cmocka_unit_test(the_map_has_a_line_for_a_group_s_head),
        cmocka_unit_test(sixteen_thousand_gpus_are_a_map),
        cmocka_unit_test(inputs_send_only_from_their_verb_and_keep_what_was_refused),
        cmocka_unit_test(a_field_loses_whole_characters),
        cmocka_unit_test(bars_show_each_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
