/* SPDX-License-Identifier: MIT
 *
 * What a check of the doctor found.
 */
#ifndef DROVER_SERVER_DOCTOR_SAY_H
#define DROVER_SERVER_DOCTOR_SAY_H

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

enum { DOCTOR_TEXT_MAX = 600 };

/* Puts the sentence, cut where it is too long, and gives the verdict back. */
enum doctor_verdict doctor_say(char text[DOCTOR_TEXT_MAX], enum doctor_verdict v, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
