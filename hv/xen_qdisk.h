// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paravirtual disks whose images are ours (Xen 4.17, public/io/blkif.h), host's end; the toolstack
 * calls the kind "qdisk". A guest with Xen's drivers keeps its qcow2 disk by it when the emulated
 * one has been unplugged.
 *
 * Modelled: one ring of up to four pages in both layouts of x86, reads, writes, flushes, discards,
 * indirect requests of up to 64 segments, persistent grants, read-only disks, CD-ROM drives with a
 * medium. Not modelled: barriers (drivers since 2010 flush), several rings, secure discard,
 * sectors of other sizes than 512 bytes, the deprecated words for rings of several pages.
 */
#pragma once

#include "hv/xen_backend.h"

/** Its images come from its bus' host.disks. */
extern const struct xen_backend_class xen_qdisk_class;
