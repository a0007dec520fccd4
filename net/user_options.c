// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/opts.h"
#include "net/user_internal.h"

/* The guest's network, unless another is asked for: hosts of it by their last bytes. */
#define DEFAULT_NETWORK UINT32_C(0x0a000200) /* 10.0.2.0 */
#define DEFAULT_MASK    UINT32_C(0xffffff00)
#define DEFAULT_PREFIX6 "fec0::"

enum {
	HOST_NUMBER = 2,
	DNS_NUMBER = 3,
	FIRST_GUEST_NUMBER = 15,
	DEFAULT_PREFIX6_BITS = 64,
	MAX_PREFIX_BITS = 30, /* there is to be room for host, name server and a guest */
	MAX_NAME_BYTES = 63,
};

static int read_address(struct opts *opts, const char *key, struct in_addr *address,
			struct err *err)
{
	const char *text = opts_get(opts, key);

	if (text && inet_pton(AF_INET, text, address) != 1)
		return err_set(err, -EINVAL, "'%s=%s': give an address such as 10.0.2.2", key,
			       text);
	return 0;
}

static int read_address6(struct opts *opts, const char *key, struct in6_addr *address,
			 struct err *err)
{
	const char *text = opts_get(opts, key);

	if (text && inet_pton(AF_INET6, text, address) != 1)
		return err_set(err, -EINVAL, "'%s=%s': give an address such as fec0::2", key, text);
	return 0;
}

/** "10.0.3.0/24", "10.0.3.0/255.255.255.0", or without a mask for that of its class. */
static int read_network(const char *text, SlirpConfig *config, struct err *err)
{
	const char *slash = strchr(text, '/');
	char address[INET_ADDRSTRLEN + 1];
	uint64_t bits = 24;

	snprintf(address, sizeof(address), "%.*s", (int)(slash ? slash - text : INET_ADDRSTRLEN),
		 text);
	if (inet_pton(AF_INET, address, &config->vnetwork) != 1)
		return err_set(err, -EINVAL, "net=%s: give a network such as 10.0.2.0/24", text);
	if (slash && strchr(slash, '.')) {
		if (inet_pton(AF_INET, slash + 1, &config->vnetmask) != 1)
			return err_set(err, -EINVAL, "net=%s: give a mask such as 255.255.255.0",
				       text);
	} else {
		if (slash &&
		    (opts_parse_number(slash + 1, &bits) < 0 || bits < 4 || bits > MAX_PREFIX_BITS))
			return err_set(err, -EINVAL, "net=%s: give 4 to %d bits of network", text,
				       MAX_PREFIX_BITS);
		config->vnetmask.s_addr = htonl(UINT32_MAX << (32 - bits));
	}
	config->vnetwork.s_addr &= config->vnetmask.s_addr;
	return 0;
}

static struct in_addr host_of(const SlirpConfig *config, uint32_t number)
{
	uint32_t network = ntohl(config->vnetwork.s_addr), mask = ntohl(config->vnetmask.s_addr);

	return (struct in_addr){ htonl(network | (number & ~mask)) };
}

static int check_host(const SlirpConfig *config, const char *what, struct in_addr address,
		      struct err *err)
{
	uint32_t number = ntohl(address.s_addr & ~config->vnetmask.s_addr);

	if ((address.s_addr & config->vnetmask.s_addr) != config->vnetwork.s_addr || number == 0 ||
	    htonl(number) == (uint32_t)~config->vnetmask.s_addr)
		return err_set(err, -EINVAL, "%s= is not the address of a host of net=", what);
	return 0;
}

static int read_ipv4(struct opts *opts, SlirpConfig *config, struct err *err)
{
	const char *network = opts_get(opts, "net");
	int result = 0;

	config->vnetwork.s_addr = htonl(DEFAULT_NETWORK);
	config->vnetmask.s_addr = htonl(DEFAULT_MASK);
	if (network)
		result = read_network(network, config, err);
	config->vhost = host_of(config, HOST_NUMBER);
	config->vnameserver = host_of(config, DNS_NUMBER);
	config->vdhcp_start = host_of(config, FIRST_GUEST_NUMBER);
	if (result == 0)
		result = read_address(opts, "host", &config->vhost, err);
	if (result == 0)
		result = read_address(opts, "dns", &config->vnameserver, err);
	if (result == 0)
		result = read_address(opts, "dhcpstart", &config->vdhcp_start, err);
	if (result == 0)
		result = check_host(config, "host", config->vhost, err);
	if (result == 0)
		result = check_host(config, "dns", config->vnameserver, err);
	if (result == 0)
		result = check_host(config, "dhcpstart", config->vdhcp_start, err);
	if (result == 0 && (config->vhost.s_addr == config->vnameserver.s_addr ||
			    config->vhost.s_addr == config->vdhcp_start.s_addr ||
			    config->vnameserver.s_addr == config->vdhcp_start.s_addr))
		result = err_set(err, -EINVAL, "host=, dns= and dhcpstart= must differ");
	return result;
}

static int read_ipv6(struct opts *opts, SlirpConfig *config, struct err *err)
{
	uint64_t bits = DEFAULT_PREFIX6_BITS;
	int result;

	inet_pton(AF_INET6, DEFAULT_PREFIX6, &config->vprefix_addr6);
	result = read_address6(opts, "ipv6-prefix", &config->vprefix_addr6, err);
	if (result == 0)
		result = opts_get_number(opts, "ipv6-prefixlen", &bits, 1, 126, err);
	config->vprefix_len = (uint8_t)bits;
	config->vhost6 = config->vnameserver6 = config->vprefix_addr6;
	config->vhost6.s6_addr[15] = HOST_NUMBER;
	config->vnameserver6.s6_addr[15] = DNS_NUMBER;
	if (result == 0)
		result = read_address6(opts, "ipv6-host", &config->vhost6, err);
	if (result == 0)
		result = read_address6(opts, "ipv6-dns", &config->vnameserver6, err);
	return result;
}

static int read_name(struct opts *opts, const char *key, const char **name, size_t most,
		     struct err *err)
{
	const char *text = opts_get(opts, key);

	if (text && strlen(text) > most)
		return err_set(err, -EINVAL, "%s= has more than %zu letters", key, most);
	*name = text;
	return 0;
}

static int read_names(struct opts *opts, struct user_words *words, struct err *err)
{
	SlirpConfig *config = &words->config;
	size_t count = 0;
	int result = read_name(opts, "hostname", &config->vhostname, 32, err);

	if (result == 0)
		result = read_name(opts, "domainname", &config->vdomainname, 255, err);
	if (result == 0)
		result = read_name(opts, "bootfile", &config->bootfile, 127, err);
	if (result == 0)
		result = read_name(opts, "tftp", &config->tftp_path, 4095, err);
	if (result == 0)
		result = read_name(opts, "tftp-server-name", &config->tftp_server_name,
				   MAX_NAME_BYTES, err);
	if (result == 0 && config->tftp_path && config->tftp_path[0] != '/')
		result = err_set(err, -EINVAL, "tftp=%s: give the full path", config->tftp_path);
	for (size_t i = 0; i < opts->count && result == 0; i++) {
		if (strcmp(opts->pairs[i].key, "dnssearch") != 0)
			continue;
		opts->pairs[i].used = true;
		if (count == USER_MAX_SEARCH)
			result = err_set(err, -EINVAL, "dnssearch= at most %d times",
					 USER_MAX_SEARCH);
		else
			words->search[count++] = opts->pairs[i].value;
	}
	if (count)
		config->vdnssearch = words->search;
	return result;
}

int user_read_words(struct opts *opts, struct user_words *words, struct err *err)
{
	SlirpConfig *config = &words->config;
	bool restricted = false;
	int result;

	*config = (SlirpConfig){ .version = 4, .in_enabled = true, .in6_enabled = true };
	result = opts_get_bool(opts, "restrict", &restricted, err);
	config->restricted = restricted;
	if (result == 0)
		result = opts_get_bool(opts, "ipv4", &config->in_enabled, err);
	if (result == 0)
		result = opts_get_bool(opts, "ipv6", &config->in6_enabled, err);
	if (result == 0)
		result = read_ipv4(opts, config, err);
	if (result == 0)
		result = read_ipv6(opts, config, err);
	if (result == 0)
		result = read_names(opts, words, err);
	if (result == 0 && !config->in_enabled && !config->in6_enabled)
		result = err_set(err, -EINVAL, "ipv4=off,ipv6=off leaves no network");
	return result;
}

const char *const user_properties[] = {
	"type",
	"id",
	"net",
	"host",
	"dns",
	"dhcpstart",
	"hostname",
	"domainname",
	"dnssearch",
	"tftp",
	"bootfile",
	"tftp-server-name",
	"restrict",
	"ipv4",
	"ipv6",
	"ipv6-prefix",
	"ipv6-prefixlen",
	"ipv6-host",
	"ipv6-dns",
	"hostfwd",
	"guestfwd",
	NULL,
};
