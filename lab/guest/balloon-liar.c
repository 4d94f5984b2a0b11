/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * balloon-liar: a balloon driver that tells the host at once that it inflated as wanted, and gives
 * up no page. It takes the virtio balloon from the kernel and drives it from here through its
 * registers: for the tests of what a host does with a guest whose word about its size is worth
 * nothing. Its memory stays usable, so load mem "takes it back".
 *
 * Registers: Virtual I/O Device Specification 1.1, sections 4.1.4 (PCI capabilities), 4.1.4.3
 * (common configuration) and 5.5.4 (balloon configuration). No queue is set up: none is needed to
 * write `actual`.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include "common/macros.h"

#define PCI_DIR "/sys/bus/pci/devices"

enum {
	CAP_VENDOR = 0x09,
	CFG_COMMON = 1,
	CFG_DEVICE = 4,
	STATUS_ACKNOWLEDGE = 1,
	STATUS_DRIVER = 2,
	STATUS_DRIVER_OK = 4,
	STATUS_FEATURES_OK = 8,
};

struct common_cfg {
	uint32_t device_feature_select, device_feature;
	uint32_t driver_feature_select, driver_feature;
	uint16_t msix_config, num_queues;
	uint8_t device_status, config_generation;
};

struct balloon_cfg {
	uint32_t num_pages, actual;
};

struct place {
	uint8_t bar;
	uint32_t offset;
};

static void fail(const char *what)
{
	fprintf(stderr, "balloon-liar: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Reads a file of the device; the bytes read, or the end of the program. */
static size_t get(const char *device, const char *file, void *data, size_t size)
{
	char path[256];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s/%s", PCI_DIR, device, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, data, size);
	if (n < 0)
		fail(path);
	return (size_t)n;
}

static void put(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
}

static bool is_balloon(const char *device)
{
	uint8_t head[4];

	if (device[0] == '.' || get(device, "config", head, sizeof(head)) != sizeof(head))
		return false;
	/* Vendor 1af4; device 1045, or 1002 where it also speaks the old protocol. */
	return head[0] == 0xf4 && head[1] == 0x1a &&
		((head[2] == 0x45 && head[3] == 0x10) || (head[2] == 0x02 && head[3] == 0x10));
}

static void find(char *device, size_t size)
{
	DIR *dir = opendir(PCI_DIR);
	struct dirent *de;

	while (dir && (de = readdir(dir)))
		if (is_balloon(de->d_name)) {
			snprintf(device, size, "%.31s", de->d_name);
			closedir(dir);
			return;
		}
	errno = ENODEV;
	fail("a virtio balloon");
}

/* Walks the capabilities for the one that says where this part of the registers is. */
static struct place find_cfg(const uint8_t *config, size_t size, uint8_t type)
{
	for (size_t at = config[0x34]; at >= 0x40 && at + 16 <= size; at = config[at + 1]) {
		const uint8_t *c = config + at;

		if (c[0] == CAP_VENDOR && c[3] == type)
			return (struct place){
				.bar = c[4],
				.offset = (uint32_t)c[8] | (uint32_t)c[9] << 8 |
					  (uint32_t)c[10] << 16 | (uint32_t)c[11] << 24,
			};
	}
	errno = EPROTO;
	fail("a virtio 1.0 device");
	return (struct place){0};
}

static volatile void *map(const char *device, struct place p)
{
	char path[256];
	_cleanup_close_ int fd = -1;
	uint8_t *at;

	snprintf(path, sizeof(path), "%s/%s/resource%u", PCI_DIR, device, p.bar);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, p.offset & ~4095U);
	if (at == MAP_FAILED)
		fail("mmap");
	return at + (p.offset & 4095);
}

/* The kernel's driver lets go of the device; that also switches it off, so it is enabled again. */
static void take_from_kernel(const char *device)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/driver/unbind", PCI_DIR, device);
	if (access(path, W_OK) == 0)
		put(path, device);
	snprintf(path, sizeof(path), "%s/%s/enable", PCI_DIR, device);
	put(path, "1");
}

static void start(volatile struct common_cfg *c)
{
	c->device_status = 0;
	c->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
	c->driver_feature_select = 0;
	c->driver_feature = 0;
	c->driver_feature_select = 1;
	c->driver_feature = 1; /* VIRTIO_F_VERSION_1 and nothing else */
	c->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
	if (!(c->device_status & STATUS_FEATURES_OK)) {
		errno = EPROTO;
		fail("features");
	}
	c->device_status =
		STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK;
}

int main(void)
{
	const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
	uint8_t config[256];
	char device[64];
	volatile struct balloon_cfg *balloon;
	size_t size;

	find(device, sizeof(device));
	take_from_kernel(device);
	size = get(device, "config", config, sizeof(config));
	start(map(device, find_cfg(config, size, CFG_COMMON)));
	balloon = map(device, find_cfg(config, size, CFG_DEVICE));
	for (;;) {
		if (balloon->actual != balloon->num_pages) {
			balloon->actual = balloon->num_pages;
			printf("told the host %u pages\n", balloon->num_pages);
			fflush(stdout);
		}
		nanosleep(&pause, NULL);
	}
}
