/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/www.h"

#include <stdio.h>

#include "daemon/api/response.h"

/* Nothing but our own files and our own API: no inline script or style, no foreign host, no frame
 * around us. */
#define CONTENT_POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* One line a file; the Makefile's list (www_files) says the same. */
#define WWW_FILES(F) \
	F(app_js, "app.js", WWW_SCRIPT) \
	F(commands_js, "commands.js", WWW_SCRIPT) \
	F(dom_js, "dom.js", WWW_SCRIPT) \
	F(editor_js, "editor.js", WWW_SCRIPT) \
	F(feed_js, "feed.js", WWW_SCRIPT) \
	F(format_js, "format.js", WWW_SCRIPT) \
	F(guest_js, "guest.js", WWW_SCRIPT) \
	F(guests_js, "guests.js", WWW_SCRIPT) \
	F(history_js, "history.js", WWW_SCRIPT) \
	F(icon_svg, "icon.svg", "image/svg+xml") \
	F(index_html, "index.html", "text/html; charset=utf-8") \
	F(limits_js, "limits.js", WWW_SCRIPT) \
	F(plot_js, "plot.js", WWW_SCRIPT) \
	F(policies_js, "policies.js", WWW_SCRIPT) \
	F(preview_js, "preview.js", WWW_SCRIPT) \
	F(style_css, "style.css", "text/css; charset=utf-8") \
	F(theme_js, "theme.js", WWW_SCRIPT) \
	F(transport_js, "transport.js", WWW_SCRIPT) \
	F(vessel_js, "vessel.js", WWW_SCRIPT) \
	F(words_js, "words.js", WWW_SCRIPT)

#define WWW_SCRIPT "text/javascript; charset=utf-8"

/* The assembler reads the file; WWW_DIR is where it lies. */
#define WWW_EMBED(symbol, file, type) \
	__asm__(".pushsection .rodata\n" \
		"www_" #symbol "_begin:\n" \
		".incbin \"" WWW_DIR "/" file "\"\n" \
		"www_" #symbol "_end:\n" \
		".byte 0\n" \
		".popsection\n"); \
	extern const char www_##symbol##_begin[] __attribute__((visibility("hidden"))); \
	extern const char www_##symbol##_end[] __attribute__((visibility("hidden")));
WWW_FILES(WWW_EMBED)

#define WWW_ROW(symbol, file, type) {file, type, www_##symbol##_begin, www_##symbol##_end},
static const struct www_file {
	const char *name, *type, *begin, *end;
} files[] = {WWW_FILES(WWW_ROW)};

struct www {
	struct {
		struct MHD_Response *full, *unchanged;
		char etag[ETAG_TEXT_MAX];
	} answers[ARRAY_SIZE(files)];
};

static void add_headers(struct MHD_Response *r, const struct www_file *f, const char *etag)
{
	MHD_add_response_header(r, "Ballast-Api", "1");
	MHD_add_response_header(r, MHD_HTTP_HEADER_ETAG, etag);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
	MHD_add_response_header(r, "Content-Security-Policy", CONTENT_POLICY);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "X-Frame-Options", "DENY");
	MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(r, "Cross-Origin-Opener-Policy", "same-origin");
	MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, f->type);
}

struct www *www_new(void)
{
	struct www *w = calloc(1, sizeof(*w));

	for (size_t i = 0; w && i < ARRAY_SIZE(files); i++) {
		const struct www_file *f = &files[i];
		size_t len = (size_t)(f->end - f->begin);

		etag_format(f->begin, len, w->answers[i].etag);
		w->answers[i].full = MHD_create_response_from_buffer(
			len, (void *)(uintptr_t)f->begin, MHD_RESPMEM_PERSISTENT);
		w->answers[i].unchanged = MHD_create_response_from_buffer(
			0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
		if (!w->answers[i].full || !w->answers[i].unchanged)
			return www_free(w);
		add_headers(w->answers[i].full, f, w->answers[i].etag);
		add_headers(w->answers[i].unchanged, f, w->answers[i].etag);
	}
	return w;
}

struct www *www_free(struct www *w)
{
	for (size_t i = 0; w && i < ARRAY_SIZE(files); i++) {
		if (w->answers[i].full)
			MHD_destroy_response(w->answers[i].full);
		if (w->answers[i].unchanged)
			MHD_destroy_response(w->answers[i].unchanged);
	}
	free(w);
	return NULL;
}

int www_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (streq(files[i].name, *name ? name : "index.html"))
			return (int)i;
	return -ENOENT;
}

struct MHD_Response *www_answer(
	const struct www *w, int file, const char *if_none_match, unsigned *ret_status)
{
	if (etag_matches(if_none_match, w->answers[file].etag)) {
		*ret_status = MHD_HTTP_NOT_MODIFIED;
		return w->answers[file].unchanged;
	}
	*ret_status = MHD_HTTP_OK;
	return w->answers[file].full;
}
