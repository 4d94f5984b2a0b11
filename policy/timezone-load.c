/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/timezone.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include "policy/timezone-table.h"

/* Finding and reading the files of time zones. The only I/O of this folder besides the policy
 * files; none of it runs after a policy set was loaded. */

static const char *source_zoneinfo(const struct zone_source *source)
{
	return source && source->zoneinfo ? source->zoneinfo : "/usr/share/zoneinfo";
}

static const char *source_localtime(const struct zone_source *source)
{
	return source && source->localtime ? source->localtime : "/etc/localtime";
}

/* Reads a regular file of at most ZONE_FILE_MAX_BYTES bytes. 0 or -errno; -EISDIR for what is no
 * file. */
static int read_small_file(const char *path, uint8_t **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ uint8_t *data = NULL;
	struct stat st;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	if (st.st_size > (off_t)ZONE_FILE_MAX_BYTES)
		return -EFBIG;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	while (n < (size_t)st.st_size) {
		ssize_t k = read(fd, data + n, (size_t)st.st_size - n);

		if (k < 0)
			return -errno;
		if (k == 0)
			break;
		n += (size_t)k;
	}
	*ret = TAKE_PTR(data);
	*ret_len = n;
	return 0;
}

/* "Area/Place": as systemd sees it; keeps "..", absolute paths and the like away from the file
 * system. */
static bool name_valid(const char *name)
{
	bool slash = true; /* the last character was one */
	const char *p;

	for (p = name; *p; p++) {
		bool letter_or_digit = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
				       (*p >= '0' && *p <= '9');

		if (*p == '/' ? slash : !letter_or_digit && (slash || !strchr("-_+", *p)))
			return false;
		slash = *p == '/';
	}
	return !slash && p - name < NAME_MAX;
}

/* The names found under a zoneinfo directory, for suggestions only: what cannot be read is left
 * out. */
struct name_list {
	char **names; /* NULL-terminated */
	size_t n;
};

static void name_list_clear(struct name_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
}

static void name_list_add(struct name_list *l, const char *name)
{
	char **names = reallocarray(l->names, l->n + 2, sizeof(*names));

	if (!names)
		return;
	l->names = names;
	names[l->n] = strdup(name);
	if (names[l->n])
		names[++l->n] = NULL;
}

/* Places begin with a capital letter; what does not is data ("tzdata.zi") or a copy ("posix/",
 * "right/"). */
static void name_list_scan(struct name_list *l, const char *dir, const char *prefix, int depth)
{
	char path[PATH_MAX], name[NAME_MAX + 2];
	struct dirent *e;
	struct stat st;
	DIR *handle;

	handle = opendir(dir);
	while (handle && (e = readdir(handle))) {
		if (e->d_name[0] < 'A' || e->d_name[0] > 'Z')
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) >= sizeof(path) ||
			(size_t)snprintf(name, sizeof(name), "%s%s", prefix, e->d_name) >=
				sizeof(name) - 1 ||
			stat(path, &st) < 0)
			continue;
		if (S_ISREG(st.st_mode)) {
			name_list_add(l, name);
		} else if (S_ISDIR(st.st_mode) && depth > 0) {
			strcat(name, "/");
			name_list_scan(l, path, name, depth - 1);
		}
	}
	if (handle)
		closedir(handle);
}

static const char *name_place(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

/* Who writes "London" or "Europe/Casablanca" knows the place: that counts before the letters do. */
static const char *name_list_nearest(const struct name_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcasecmp(l->names[i], name) == 0)
			return l->names[i];
	for (size_t i = 0; i < l->n; i++)
		if (strcasecmp(name_place(l->names[i]), name_place(name)) == 0)
			return l->names[i];
	return l->n ? nearest_word(name, (const char *const *)l->names) : NULL;
}

static int unknown_zone(const char *name, const char *zoneinfo, struct diag *d)
{
	_cleanup_(name_list_clear) struct name_list known = {0};
	char shown[EXCERPT_MAX];
	const char *nearest;

	name_list_scan(&known, zoneinfo, "", 3);
	nearest = name_list_nearest(&known, name);
	return diag_set(d, ENOENT, NULL, 0, 1,
		"no time zone \"%s\"; expected the name of a file in %s%s%s%s",
		excerpt(name, shown), zoneinfo,
		nearest ? "; did you mean \"" : ", like Europe/London", nearest ? nearest : "",
		nearest ? "\"?" : "");
}

static int unreadable(const char *path, int r, struct diag *d)
{
	if (r == -ENOMEM)
		return r;
	return diag_set(
		d, -r, NULL, 0, 1, "time zone file %s cannot be read: %s", path, strerror(-r));
}

static int zone_utc(struct zone **ret)
{
	_cleanup_zone_ struct zone *z = zone_new("UTC");
	const struct zone_entry utc = {.from_sec = INT64_MIN, .abbrev = "UTC"};
	int r;

	if (!z)
		return -ENOMEM;
	r = zone_append(z, &utc);
	if (r < 0)
		return r;
	zone_finish(z);
	*ret = TAKE_PTR(z);
	return 0;
}

/* The name behind a link like /etc/localtime -> ../usr/share/zoneinfo/Europe/London. */
static const char *link_name(const char *path, char buf[static PATH_MAX])
{
	ssize_t n = readlink(path, buf, PATH_MAX - 1);
	const char *p;

	if (n < 0)
		return "local";
	buf[n] = '\0';
	p = strstr(buf, "/zoneinfo/");
	return p && name_valid(p + strlen("/zoneinfo/")) ? p + strlen("/zoneinfo/") : "local";
}

static int zone_load_local(const char *path, struct zone **ret, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	char link[PATH_MAX];
	size_t len;
	int r;

	r = read_small_file(path, &data, &len);
	if (r == -ENOENT)
		return zone_utc(ret);
	if (r < 0)
		return unreadable(path, r, d);
	return zone_from_tzif(link_name(path, link), data, len, ret, d);
}

int zone_load(const char *name, const struct zone_source *source, struct zone **ret, struct diag *d)
{
	const char *zoneinfo = source_zoneinfo(source);
	_cleanup_free_ uint8_t *data = NULL;
	char path[PATH_MAX], shown[EXCERPT_MAX];
	size_t len;
	int r;

	if (!name)
		return zone_load_local(source_localtime(source), ret, d);
	if (strcasecmp(name, "UTC") == 0)
		return zone_utc(ret);
	if (!name_valid(name))
		return diag_set(d, EINVAL, NULL, 0, 1,
			"\"%s\" is not the name of a time zone; expected one like Europe/London",
			excerpt(name, shown));
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", zoneinfo, name) >= sizeof(path))
		return unknown_zone(name, zoneinfo, d);
	r = read_small_file(path, &data, &len);
	if (r == -ENOENT || r == -ENOTDIR || r == -EISDIR)
		return unknown_zone(name, zoneinfo, d);
	if (r < 0)
		return unreadable(path, r, d);
	return zone_from_tzif(name, data, len, ret, d);
}
