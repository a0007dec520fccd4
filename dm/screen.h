// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What shows the guest's screen: the VNC server of -vnc and the window of -display sdl.
 */
#pragma once

struct err;
struct machine;

/** Opens what the options ask for. 0, or -errno and a sentence. */
int screen_open(struct machine *machine, struct err *err);
void screen_close(struct machine *machine);
