// SPDX-License-Identifier: LGPL-2.1-or-later
// A cable between the browser and the daemon: what is sent goes through unless it is told to hold it back, or to break.
import net from 'node:net';

export async function cable(base) {
	const {hostname, port} = new URL(base), pairs = new Set();
	let frozen = false;
	const server = net.createServer((near) => {
		const far = net.connect(Number(port), hostname), pair = [near, far];
		const end = () => {
			pairs.delete(pair);
			near.destroy();
			far.destroy();
		};

		pairs.add(pair);
		for (const [from, to] of [[near, far], [far, near]]) {
			from.on('data', (d) => to.write(d));
			from.on('close', end);
			from.on('error', end);
		}
		if (frozen)
			pair.forEach((s) => s.pause());
	});

	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		base: `http://127.0.0.1:${server.address().port}`,
		// Nothing comes through any more, and nobody is told: a network that has gone away.
		freeze() {
			frozen = true;
			pairs.forEach((p) => p.forEach((s) => s.pause()));
		},
		thaw() {
			frozen = false;
			pairs.forEach((p) => p.forEach((s) => s.resume()));
		},
		// All connections break; new ones are made.
		cut() {
			pairs.forEach((p) => p.forEach((s) => s.destroy()));
		},
		close() {
			server.close();
			this.cut();
		},
	};
}
