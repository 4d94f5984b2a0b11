/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/metric.h"
#include "daemon/api/schema.h"

#include "daemon/api/client.h"

static const char *const ok_words[] = {"ok", NULL};

const struct schema health_schema = {"Health", "the main loop turned within 2 s",
	(const struct schema_field[]){
		{"status", SCHEMA_WORD, .words = ok_words},
		SCHEMA_END,
	}};

const struct schema ready_schema = {"Ready", "guests were listed and a first decision was made",
	(const struct schema_field[]){
		{"ready", SCHEMA_BOOL},
		SCHEMA_END,
	}};

const struct schema version_schema = {"Version", "versions of daemon, API and libvirt",
	(const struct schema_field[]){
		{"version", SCHEMA_STRING, "of ballastd"},
		{"api", SCHEMA_COUNT, "the number in /v1"},
		{"libvirt", SCHEMA_STRING, "of the libvirt that it talks to", .nullable = true},
		{"started", SCHEMA_TIME, "when ballastd started", .nullable = true},
		SCHEMA_END,
	}};

const struct schema metrics_schema = {"Metrics",
	"all figures, in the text format of Prometheus; ballast-metrics(7) lists them",
	.media = METRIC_CONTENT_TYPE_TEXT, .stream = METRIC_CONTENT_TYPE_OPENMETRICS};
const struct schema openapi_schema = {
	"OpenAPI", "this document: OpenAPI 3.1", .media = "application/json"};

const struct schema page_schema = {"Page", "the dashboard", .media = "text/html"};
const struct schema page_file_schema = {
	"PageFile", "a file of the dashboard, of its own type", .media = "*/*"};

const struct schema whoami_schema = {"Whoami", "who the daemon takes the client for",
	(const struct schema_field[]){
		{"name", SCHEMA_STRING, .summary = "as it stands in `by` of what it does"},
		{"role", SCHEMA_WORD, .words = api_role_names},
		{"how", SCHEMA_WORD, .words = client_how_names},
		SCHEMA_END,
	}};
