/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_VLAN_TAG_H
#define VS_PUMP_VLAN_TAG_H

/* VLAN tags that a packet socket with PACKET_AUXDATA returns beside the frame (packet(7)). */

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* The bytes of a tag, which belong behind both addresses. */
#define VS_TAG_LEN 4

/* Room for the ancillary data of one frame. */
union vs_tag_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

/* The tag of a frame that was received, as it is on the network. False: the frame has none. */
static inline bool vs_tag_of(struct msghdr *message, uint16_t tag[2])
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		const struct tpacket_auxdata *aux = (const void *)CMSG_DATA(c);
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		bool tells_kind = aux->tp_status & TP_STATUS_VLAN_TPID_VALID;
		tag[0] = htons(tells_kind ? aux->tp_vlan_tpid : ETH_P_8021Q);
		tag[1] = htons(aux->tp_vlan_tci);
		return (aux->tp_status & TP_STATUS_VLAN_VALID) != 0;
	}
	return false;
}

#endif
