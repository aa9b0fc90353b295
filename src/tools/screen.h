/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_SCREEN_H
#define VS_TOOLS_SCREEN_H

/*
 * A terminal for a picture that is drawn again and again: its other screen, without cursor, keys without
 * echo. Signals are read from a descriptor, so the terminal is restored before this process ends or stops.
 */

#include <stddef.h>

enum vs_screen_event {
	VS_SCREEN_TIME,   /* the time has passed */
	VS_SCREEN_KEY,    /* *key */
	VS_SCREEN_REDRAW, /* another size, or it was stopped and goes on */
	VS_SCREEN_END,    /* a signal, *key, or the terminal is gone: *key is 0 */
};

/* Standard input and output become the screen. 0, or -errno: they are no terminal. */
int vs_screen_begin(void);
void vs_screen_end(void);

void vs_screen_size(size_t *rows, size_t *columns);

/* Waits until *left_ms have passed, or for another event; *left_ms is what is left then. */
enum vs_screen_event vs_screen_wait(int *left_ms, int *key);

/* Shows a picture of lines that end with '\n', at most as many as there are rows. */
void vs_screen_draw(const char *text, size_t len);

#endif
