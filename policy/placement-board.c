/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/placement-board.h"

/* The estimate does with fewer binary digits than the score: its products have 128. */
#define COARSE_BITS 8
#define COARSE_ONE (PLACEMENT_ONE >> COARSE_BITS)
/* A host's figures beyond this are taken as this: a thousand times what it has. */
#define SHARE_MAX  (PLACEMENT_ONE << 10)
#define COARSE_MAX (SHARE_MAX >> COARSE_BITS)
/* Its unit of memory, and the binary digits that a page's share has beyond the others'. */
#define PAGE_BITS 12
#define UNIT_BITS 24

struct board *board_free(struct board *b)
{
	if (!b)
		return NULL;
	free(b->at);
	free(b->used_bytes);
	free(b->vcpus);
	free(b->memory.of);
	free(b->cpu.of);
	free(b->units);
	free(b->moves);
	free(b);
	return NULL;
}

static struct board *board_allocate(const struct placement_question *q)
{
	_cleanup_board_ struct board *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->q = q;
	b->at = calloc(q->n_guests + 1, sizeof(*b->at));
	b->used_bytes = calloc(q->n_hosts + 1, sizeof(*b->used_bytes));
	b->vcpus = calloc(q->n_hosts + 1, sizeof(*b->vcpus));
	b->memory.of = calloc(q->n_hosts + 1, sizeof(*b->memory.of));
	b->cpu.of = calloc(q->n_hosts + 1, sizeof(*b->cpu.of));
	b->units = calloc(q->n_hosts + 1, sizeof(*b->units));
	if (!b->at || !b->used_bytes || !b->vcpus || !b->memory.of || !b->cpu.of || !b->units)
		return NULL;
	for (size_t i = 0; i < q->n_hosts; i++) {
		int64_t pages = (int64_t)MAX(q->hosts[i].memory_bytes >> PAGE_BITS, UINT64_C(1));

		b->units[i].page = (COARSE_ONE << UNIT_BITS) / pages;
		b->units[i].vcpu = COARSE_ONE / q->hosts[i].cpus;
	}
	return TAKE_PTR(b);
}

static void spread_set(struct spread *s, size_t host, bool counts, int64_t value)
{
	if (counts) {
		s->sum += value - s->of[host];
		s->square += (int128)value * value - (int128)s->of[host] * s->of[host];
	}
	s->of[host] = value;
}

/* So the sums have room for 4096 hosts, and products of the estimate for theirs. */
static int64_t bounded(int128 x, int128 most)
{
	return (int64_t)CLAMP(x, -most, most);
}

/* Free memory is negative where more is taken than may be. */
static int64_t free_share(const struct placement_host *h, uint64_t used_bytes)
{
	return bounded(((int128)h->room_bytes - used_bytes) * PLACEMENT_ONE / h->memory_bytes,
		SHARE_MAX);
}

static void host_changed(struct board *b, size_t host)
{
	const struct placement_host *h = &b->q->hosts[host];

	spread_set(&b->memory, host, h->accepts, free_share(h, b->used_bytes[host]));
	spread_set(&b->cpu, host, h->accepts,
		bounded((int128)b->vcpus[host] * PLACEMENT_ONE / h->cpus, SHARE_MAX));
}

int board_new(const struct placement_question *q, struct board **ret)
{
	_cleanup_board_ struct board *b = NULL;

	if (q->n_hosts > PLACEMENT_HOSTS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < q->n_hosts; i++)
		if (!q->hosts[i].memory_bytes || !q->hosts[i].cpus ||
			(q->hosts[i].accepts && q->hosts[i].leaves))
			return -EINVAL;
	for (size_t i = 0; i < q->n_guests; i++)
		if (q->guests[i].host >= q->n_hosts)
			return -EINVAL;
	b = board_allocate(q);
	if (!b)
		return -ENOMEM;
	for (size_t i = 0; i < q->n_hosts; i++)
		b->vcpus[i] = q->hosts[i].vcpus_own;
	for (size_t i = 0; i < q->n_guests; i++) {
		b->at[i] = q->guests[i].host;
		b->used_bytes[b->at[i]] += q->guests[i].bytes;
		b->vcpus[b->at[i]] += q->guests[i].vcpus;
	}
	for (size_t i = 0; i < q->n_hosts; i++) {
		b->counted += q->hosts[i].accepts;
		host_changed(b, i);
	}
	*ret = TAKE_PTR(b);
	return 0;
}

struct board *board_copy(const struct board *b)
{
	_cleanup_board_ struct board *c = board_allocate(b->q);
	size_t hosts = b->q->n_hosts;

	if (!c)
		return NULL;
	memcpy(c->at, b->at, b->q->n_guests * sizeof(*c->at));
	memcpy(c->used_bytes, b->used_bytes, hosts * sizeof(*c->used_bytes));
	memcpy(c->vcpus, b->vcpus, hosts * sizeof(*c->vcpus));
	memcpy(c->memory.of, b->memory.of, hosts * sizeof(*c->memory.of));
	memcpy(c->cpu.of, b->cpu.of, hosts * sizeof(*c->cpu.of));
	c->memory.sum = b->memory.sum;
	c->memory.square = b->memory.square;
	c->cpu.sum = b->cpu.sum;
	c->cpu.square = b->cpu.square;
	c->counted = b->counted;
	if (b->n_moves) {
		c->moves = calloc(b->n_moves, sizeof(*c->moves));
		if (!c->moves)
			return NULL;
		memcpy(c->moves, b->moves, b->n_moves * sizeof(*c->moves));
		c->n_moves = c->n_allocated = b->n_moves;
	}
	return TAKE_PTR(c);
}

bool board_fits(const struct board *b, size_t guest, size_t host)
{
	const struct placement_guest *g = &b->q->guests[guest];
	const struct placement_host *h = &b->q->hosts[host];

	if (b->at[guest] == host)
		return true;
	return h->accepts && h->group == b->q->hosts[g->host].group &&
	       b->used_bytes[host] <= h->room_bytes &&
	       g->bytes <= h->room_bytes - b->used_bytes[host] &&
	       (!h->vcpus_max || b->vcpus[host] + g->vcpus <= h->vcpus_max);
}

void board_put(struct board *b, size_t guest, size_t host)
{
	const struct placement_guest *g = &b->q->guests[guest];
	size_t from = b->at[guest];

	if (from == host)
		return;
	b->used_bytes[from] -= g->bytes;
	b->vcpus[from] -= g->vcpus;
	b->used_bytes[host] += g->bytes;
	b->vcpus[host] += g->vcpus;
	b->at[guest] = host;
	host_changed(b, from);
	host_changed(b, host);
}

int board_move(struct board *b, size_t guest, size_t host)
{
	size_t from = b->at[guest];

	if (b->n_moves == b->n_allocated) {
		size_t n = b->n_allocated ? 2 * b->n_allocated : 16;
		struct placement_move *moves = reallocarray(b->moves, n, sizeof(*moves));

		if (!moves)
			return -ENOMEM;
		b->moves = moves;
		b->n_allocated = n;
	}
	board_put(b, guest, host);
	b->moves[b->n_moves++] = (struct placement_move){guest, from, host, board_score(b)};
	return 0;
}

/* Newton's method from above: it falls until it has the root, rounded down. */
static uint64_t square_root(unsigned __int128 x)
{
	unsigned __int128 root, next;
	int bits = 0;

	if (!x)
		return 0;
	bits = x >> 64 ? 128 - __builtin_clzll((uint64_t)(x >> 64))
		       : 64 - __builtin_clzll((uint64_t)x);
	for (root = (unsigned __int128)1 << (bits + 1) / 2;; root = next) {
		next = (root + x / root) / 2;
		if (next >= root)
			return (uint64_t)root;
	}
}

/* n times the standard deviation: sqrt(n * sum of squares - square of the sum). */
static uint64_t spread_root(const struct spread *s, size_t n)
{
	return square_root((unsigned __int128)((int128)n * s->square - s->sum * s->sum));
}

uint64_t board_score(const struct board *b)
{
	if (!b->counted)
		return 0;
	return (spread_root(&b->memory, b->counted) + spread_root(&b->cpu, b->counted)) /
	       b->counted;
}

uint64_t board_score_with(struct board *b, size_t guest, size_t host)
{
	size_t from = b->at[guest];
	uint64_t score;

	board_put(b, guest, host);
	score = board_score(b);
	board_put(b, guest, from);
	return score;
}

struct board_slope board_slope(const struct board *b)
{
	/* d sqrt(x) = dx / (2 sqrt(x)): both times 2 sqrt(x) sqrt(y). */
	return (struct board_slope){
		.memory = (int64_t)(spread_root(&b->cpu, b->counted) >> COARSE_BITS) + 1,
		.cpu = (int64_t)(spread_root(&b->memory, b->counted) >> COARSE_BITS) + 1,
	};
}

/* What n * sum of squares - square of the sum changes by when one host's figure rises by `up` and
 * another's by `up2`; hosts that do not count have 0. */
static int128 square_change(
	const struct spread *s, size_t n, int64_t x, int64_t up, int64_t x2, int64_t up2)
{
	int64_t sum = (int64_t)(s->sum >> COARSE_BITS);
	int128 squares = (int128)up * (2 * x + up) + (int128)up2 * (2 * x2 + up2);

	return (int128)n * squares - (int128)(up + up2) * (2 * sum + up + up2);
}

int128 board_estimate(const struct board *b, const struct board_slope *s, size_t guest, size_t host)
{
	const struct placement_guest *g = &b->q->guests[guest];
	size_t from = b->at[guest];
	const struct board_unit *f = &b->units[from], *t = &b->units[host];
	int128 pages = (int128)(g->bytes >> PAGE_BITS), vcpus = g->vcpus;
	bool counts = b->q->hosts[from].accepts;

	int64_t mem_from = counts ? bounded(pages * f->page >> UNIT_BITS, COARSE_MAX) : 0;
	int64_t mem_to = bounded(pages * t->page >> UNIT_BITS, COARSE_MAX);
	int64_t cpu_from = counts ? bounded(vcpus * f->vcpu, COARSE_MAX) : 0;
	int64_t cpu_to = bounded(vcpus * t->vcpu, COARSE_MAX);

	return s->memory * square_change(&b->memory, b->counted, b->memory.of[from] >> COARSE_BITS,
				   mem_from, b->memory.of[host] >> COARSE_BITS, -mem_to) +
	       s->cpu * square_change(&b->cpu, b->counted, b->cpu.of[from] >> COARSE_BITS,
				-cpu_from, b->cpu.of[host] >> COARSE_BITS, cpu_to);
}
