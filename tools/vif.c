// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vif.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define DEFAULT_MODEL "rtl8139" /* libxl's */

/** What has been read of a specification so far. */
struct vif_words {
	char *type, *mac, *rest;
};

static void replace(char **text, const char *value)
{
	free(*text);
	*text = text_copy(value);
}

static bool is_network(const char *type)
{
	static const char *const types[] = { "user", "stream", "dgram", "socket", "hubport" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static void append_word(char **list, const char *word)
{
	char *longer = text_format("%s,%s", *list ? *list : "", word);

	free(*list);
	*list = longer;
}

static bool is_for_xen(const char *word)
{
	static const char *const keys[] = { "backend=", "backendtype=", "rate=",   "gatewaydev=",
					    "netdev=",  "devid=",       "trusted=" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strncmp(word, keys[i], strlen(keys[i])) == 0)
			return true;
	return false;
}

static void take_word(struct vif *vif, struct vif_words *words, char *word)
{
	const struct {
		const char *key;
		char **text;
	} keys[] = {
		{ "type", &words->type },   { "mac", &words->mac },
		{ "model", &vif->model },   { "bridge", &vif->bridge },
		{ "script", &vif->script }, { "vifname", &vif->interface },
		{ "ip", &vif->ip },         { "mtu", &vif->mtu },
	};
	char *equals = strchr(word, '=');

	for (size_t i = 0; equals && i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strlen(keys[i].key) != (size_t)(equals - word) ||
		    strncmp(keys[i].key, word, (size_t)(equals - word)) != 0)
			continue;
		replace(keys[i].text, equals + 1);
		return;
	}
	/* What is left are words of a network of the device model, kept as they are. */
	append_word(is_for_xen(word) ? &vif->ignored : &words->rest, word);
}

static void split(struct vif *vif, struct vif_words *words, const char *spec)
{
	char *copy = text_copy(spec), *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		char *end = word + strlen(word);

		word += strspn(word, " \t");
		while (end > word && (end[-1] == ' ' || end[-1] == '\t'))
			*--end = '\0';
		if (*word)
			take_word(vif, words, word);
	}
	free(copy);
}

/** Of Xen's own range, by FNV-1a over what stands for the guest, and the card's number. */
static void make_mac(char mac[VIF_MAC_BYTES], const char *seed, unsigned index)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *seed; seed++)
		hash = (hash ^ (uint8_t)*seed) * UINT32_C(16777619);
	hash = (hash ^ index) * UINT32_C(16777619);
	hash ^= hash >> 24;
	snprintf(mac, VIF_MAC_BYTES, "00:16:3e:%02x:%02x:%02x", hash >> 16 & 0x7f, hash >> 8 & 0xff,
		 hash & 0xff);
}

static int set_mac(struct vif *vif, const char *text, struct err *err)
{
	uint8_t bytes[6];
	int end = 0;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &bytes[0], &bytes[1], &bytes[2],
		   &bytes[3], &bytes[4], &bytes[5], &end) != 6 ||
	    text[end])
		return err_set(err, -EINVAL, "mac=%s: write six bytes, as in 00:16:3e:12:34:56",
			       text);
	if (bytes[0] & 1)
		return err_set(err, -EINVAL,
			       "mac=%s is the address of a group: the first byte must be even",
			       text);
	snprintf(vif->mac, sizeof(vif->mac), "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1],
		 bytes[2], bytes[3], bytes[4], bytes[5]);
	return 0;
}

static int check_words(struct vif *vif, const struct vif_words *words, struct err *err)
{
	const char *type = words->type ? words->type : "ioemu";

	if (vif->interface && strlen(vif->interface) > 15)
		return err_set(err, -EINVAL, "vifname=%s: at most 15 letters", vif->interface);
	if (strspn(vif->model, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(vif->model))
		return err_set(err, -EINVAL, "model=%s: there is no such card", vif->model);
	if (is_network(type)) {
		vif->kind = VIF_NETWORK;
		vif->network = text_format("%s%s", type, words->rest ? words->rest : "");
		return 0;
	}
	if (strcmp(type, "vif") == 0)
		vif->kind = VIF_NONE;
	else if (strcmp(type, "ioemu") != 0)
		return err_set(err, -EINVAL,
			       "type=%s: known are ioemu (a bridge), user, stream, dgram, socket",
			       type);
	if (words->rest)
		return err_set(err, -EINVAL, "'%s' is not understood here", words->rest + 1);
	return 0;
}

int vif_parse(struct vif *vif, const char *spec, const char *seed, unsigned index, struct err *err)
{
	struct vif_words words = { 0 };
	int result = 0;

	*vif = (struct vif){ .kind = VIF_TAP };
	split(vif, &words, spec);
	if (!vif->model)
		vif->model = text_copy(DEFAULT_MODEL);
	make_mac(vif->mac, seed, index);
	if (words.mac)
		result = set_mac(vif, words.mac, err);
	if (result == 0)
		result = check_words(vif, &words, err);
	free(words.type);
	free(words.mac);
	free(words.rest);
	if (result < 0) {
		err_prefix(err, "vif '%s'", spec);
		vif_finish(vif);
	}
	return result;
}

void vif_finish(struct vif *vif)
{
	free(vif->model);
	free(vif->bridge);
	free(vif->script);
	free(vif->interface);
	free(vif->ip);
	free(vif->mtu);
	free(vif->ignored);
	free(vif->network);
	*vif = (struct vif){ .kind = VIF_TAP };
}
