// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The version, from meson.build.
 */
#pragma once

#ifndef HVMDM_VERSION
#error "HVMDM_VERSION comes from the build system"
#endif

/* What version-dependent QMP clients such as libxl are told they speak to. */
enum {
	QMP_VERSION_MAJOR = 7,
	QMP_VERSION_MINOR = 2,
	QMP_VERSION_MICRO = 0,
};
