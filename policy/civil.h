/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/macros.h"

/*
 * Days and dates of the Gregorian calendar, without any time zone. Days count from 1970-01-01.
 * Exact for all years that a calendar event can name and far beyond.
 */
struct civil_date {
	int year;
	int month; /* 1..12 */
	int day;   /* 1..31 */
};

#define SEC_PER_MIN 60
#define SEC_PER_HOUR 3600
#define SEC_PER_DAY 86400

bool civil_is_leap(int year) _const_;
int civil_month_days(int year, int month) _const_;
int64_t civil_to_days(int year, int month, int day) _const_;
struct civil_date civil_from_days(int64_t days) _const_;
/* 0 = Monday ... 6 = Sunday, as in systemd.time(7). */
int civil_weekday(int64_t days) _const_;
/* Splits seconds into whole days and the second of the day, 0..86399, also before 1970. */
int64_t civil_split(int64_t sec, int *ret_second) _nonnull_;
