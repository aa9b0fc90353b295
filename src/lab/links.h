/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_LINKS_H
#define VS_LAB_LINKS_H

struct vdestack_lab;

/* Impairs and captures the ports of a lab that starts, as its text and its options say. */
int vs_lab_links_start(struct vdestack_lab *lab);

/* Ends the captures for the artefacts; their files are complete then. */
void vs_lab_links_stop_captures(struct vdestack_lab *lab);

#endif
