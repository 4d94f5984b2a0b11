// SPDX-License-Identifier: LGPL-2.1-or-later
// Dark, light, or as the system says. Kept in this browser.

const ORDER = ['auto', 'light', 'dark'];
const SIGN = {auto: '◐', light: '☀', dark: '☾'};
const TEXT = {auto: 'as the system', light: 'light', dark: 'dark'};

function stored() {
	try {
		const word = localStorage.getItem('ballast-theme');

		return ORDER.includes(word) ? word : 'auto';
	} catch {
		return 'auto';
	}
}

export function startTheme(button) {
	let theme = stored();
	const show = () => {
		if (theme === 'auto')
			delete document.documentElement.dataset.theme;
		else
			document.documentElement.dataset.theme = theme;
		button.textContent = SIGN[theme];
		button.title = `Colours: ${TEXT[theme]}`;
		button.setAttribute('aria-label', `Colours: ${TEXT[theme]}. Change`);
	};

	button.addEventListener('click', () => {
		theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
		try {
			localStorage.setItem('ballast-theme', theme);
		} catch {
			// forbidden: it holds until the page is closed
		}
		show();
	});
	show();
}
