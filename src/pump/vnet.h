/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_VNET_H
#define VS_PUMP_VNET_H

/* The header that a device puts before each super-frame (IFF_VNET_HDR, PACKET_VNET_HDR). Host byte order. */

#include <linux/virtio_net.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* headers before Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#endif
