/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What libpcap calls of its compiler of filters, when only what reads files is built of its
 * sources. Nothing here has a filter.
 */
#include <pcap/pcap.h>

/* libpcap's own; not in its public header. */
int install_bpf_program(pcap_t *p, struct bpf_program *program);

void
pcap_freecode(struct bpf_program *program)
{
	(void)program;
}

int
install_bpf_program(pcap_t *p, struct bpf_program *program)
{
	(void)p;
	(void)program;
	return PCAP_ERROR;
}
