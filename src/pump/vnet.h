/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_VNET_H
#define VS_PUMP_VNET_H

/* The header a tap with IFF_VNET_HDR puts before each frame. Its numbers are in host order. */

#include <linux/virtio_net.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* headers before Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#endif
