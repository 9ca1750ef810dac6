/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Points as a table for people, as CSV, as JSON.
 */
#ifndef SCALE_REPORT_H
#define SCALE_REPORT_H

#include "scale.h"

/** Open the files; NULL: none. @return whether that went well. */
bool report_begin(const char *csv, const char *json, const struct scale_conf *conf);
void report_point(const struct scale_conf *conf, const struct scale_result *r);
/** @return whether all was written. */
bool report_end(void);

#endif
