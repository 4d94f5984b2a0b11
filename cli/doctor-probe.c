/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/doctor-probe.h"

#include <curl/curl.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define PROBE_MSEC 2000
#define OUTPUT_MAX MIB

static uint64_t now_msec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void become(const char *const *argv, int out)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
	signal(SIGPIPE, SIG_DFL);
	setenv("LC_ALL", "C.UTF-8", 1);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Reads up to the end; false where that does not come in time. */
static bool read_all(int fd, char *text, size_t size, size_t *ret_len)
{
	uint64_t end = now_msec() + PROBE_MSEC, now;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = 0;

	while ((now = now_msec()) < end && len < size) {
		ssize_t n;

		if (poll(&p, 1, (int)(end - now)) <= 0)
			continue;
		n = read(fd, text + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*ret_len = len;
			return n == 0;
		}
		len += (size_t)n;
	}
	return false;
}

char *probe_output(const char *const *argv)
{
	char *text = malloc(OUTPUT_MAX + 1);
	int fds[2], status = -1;
	size_t len = 0;
	bool whole;
	pid_t pid;

	if (!text || pipe2(fds, O_CLOEXEC) < 0) {
		free(text);
		return NULL;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(argv, fds[1]);
	close(fds[1]);
	whole = pid > 0 && read_all(fds[0], text, OUTPUT_MAX, &len);
	close(fds[0]);
	if (pid > 0 && !whole)
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!whole || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static void take_property(const char *text, const char *name, char *buf, size_t size)
{
	const char *at = strstr(text, name);

	if (at)
		snprintf(buf, size, "%.*s", (int)strcspn(at + strlen(name), "\n"),
			at + strlen(name));
}

bool probe_unit(const char *name, struct doctor_unit *ret)
{
	const char *const argv[] = {
		"systemctl", "show", "-p", "LoadState,ActiveState,UnitFileState", name, NULL};
	_cleanup_free_ char *text = probe_output(argv);

	if (!text)
		return false;
	take_property(text, "LoadState=", ret->load, sizeof(ret->load));
	take_property(text, "ActiveState=", ret->active, sizeof(ret->active));
	take_property(text, "UnitFileState=", ret->enabled, sizeof(ret->enabled));
	return true;
}

int probe_socket(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (fd < 0)
		return errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	strcpy(address.sun_path, path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

/* Ticks since boot at which a process of this name started; 0 where it is another one. */
static unsigned long long started_ticks(const char *pid, const char *const *names)
{
	char path[300], line[1024], *end;
	unsigned long long ticks = 0;
	const char *const *name;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	/* "PID (NAME) STATE ...": a name may have a ')' in it, the last one ends it. */
	if (fgets(line, sizeof(line), f) && (end = strrchr(line, ')')) && strchr(line, '(')) {
		*end = '\0';
		for (name = names; *name && !streq(*name, strchr(line, '(') + 1); name++)
			;
		if (*name)
			sscanf(end + 2,
				"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
				&ticks);
	}
	fclose(f);
	return ticks;
}

uint64_t probe_started(const char *const *names, uint64_t now_usec)
{
	unsigned long long first = 0, hz = (unsigned long long)sysconf(_SC_CLK_TCK);
	struct timespec boot;
	struct dirent *e;
	uint64_t up;
	DIR *d = opendir("/proc");

	while (d && (e = readdir(d))) {
		unsigned long long ticks = *e->d_name >= '0' && *e->d_name <= '9'
						   ? started_ticks(e->d_name, names)
						   : 0;

		if (ticks && (!first || ticks < first))
			first = ticks;
	}
	if (d)
		closedir(d);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	up = (uint64_t)boot.tv_sec * USEC_PER_SEC + (uint64_t)boot.tv_nsec / 1000;
	return first ? now_usec - sub_sat(up, mul_div(first, USEC_PER_SEC, hz)) : 0;
}

static size_t drop(char *data, size_t size, size_t n, void *userdata)
{
	return size * n;
}

/* The first certificate's end. */
static uint64_t expires_of(CURL *curl)
{
	struct curl_certinfo *info = NULL;
	time_t t = -1;

	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
		info->num_of_certs < 1)
		return 0;
	for (const struct curl_slist *s = info->certinfo[0]; s; s = s->next)
		if (strncmp(s->data, "Expire date:", 12) == 0)
			t = curl_getdate(s->data + 12, NULL);
	return t > 0 ? (uint64_t)t * USEC_PER_SEC : 0;
}

void probe_listener(const char *address, bool without_tls, struct doctor_listener *ret)
{
	bool any6 = strncmp(address, "[::]:", 5) == 0, any4 = strncmp(address, "0.0.0.0:", 8) == 0;
	char url[300], error[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	CURLcode r;

	*ret = (struct doctor_listener){.tls = !without_tls};
	snprintf(ret->address, sizeof(ret->address), "%s", address);
	if (!curl)
		return;
	/* What listens everywhere is asked at home. */
	snprintf(url, sizeof(url), "%s://%s%.200s/healthz", without_tls ? "http" : "https",
		any6   ? "[::1]:"
		: any4 ? "127.0.0.1:"
		       : "",
		any6   ? address + 5
		: any4 ? address + 8
		       : address);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PROBE_MSEC);
	curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	/* Nothing is told to it: whom it is for, its clients judge. */
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	r = curl_easy_perform(curl);
	ret->expires_usec = expires_of(curl);
	/* One that wants a certificate ends the talk, and was there. */
	if (r != CURLE_OK && !ret->expires_usec)
		snprintf(ret->error, sizeof(ret->error), "nobody answers there (%.200s)",
			*error ? error : curl_easy_strerror(r));
	curl_easy_cleanup(curl);
}

int probe_clock(void)
{
	struct timex t = {0};
	int state = adjtimex(&t);

	if (state < 0)
		return -1;
	return state != TIME_ERROR && !(t.status & STA_UNSYNC);
}
