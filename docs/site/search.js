// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The page for searching. The index comes from search-index.js, which calls searchIndex(). Each word of the question is
// the beginning of a word of a section, or a part of its title. All words have to be found. A title counts more than
// a text, the question as a whole more than its words, and a page about the word more than one that mentions it.
"use strict";

const LIMIT = 40;
let index = null;

function searchIndex(data) {
	index = data;
	for (const page of index.pages)
		for (const section of page[3]) {
			let number = 0;
			section[3] = new Set(section[3].map((step) => (number += step)));
		}
}

// The numbers of the words that begin with the text, each with what it counts. The word itself comes first.
function wordsWith(text) {
	const found = [];
	index.words.forEach((word, number) => word.startsWith(text) && found.push([number, word === text ? 4 : 1]));
	return found.sort((a, b) => b[1] - a[1]);
}

// What the best of these words counts that the section has, or 0.
function best(words, section) {
	const found = words.find(([number]) => section[3].has(number));
	return found ? found[1] : 0;
}

function scoreOf(term, page, section) {
	const title = page[1].toLowerCase(), heading = section[1].toLowerCase();
	let score = 0;
	if (section[0] === "" && page[2].includes(term.text))
		score += 100;
	if (section[0] === "" && title.includes(term.text))
		score += 20;
	if (section[0] !== "" && heading.includes(term.text))
		score += 12;
	return score + Math.min(...term.parts.map((words) => best(words, section)));
}

function search(question) {
	const terms = (question.toLowerCase().match(/[a-z0-9][a-z0-9_-]*/g) || []).map((text) => ({
		text, parts: text.split("-").filter((part) => part !== "").map(wordsWith)
	}));
	const found = [];
	if (terms.length === 0)
		return found;
	for (const page of index.pages)
		for (const section of page[3]) {
			const scores = terms.map((term) => scoreOf(term, page, section));
			const phrase = section[1].toLowerCase().includes(question.trim().toLowerCase()) ? 30 : 0;
			if (scores.every((score) => score > 0))
				found.push({ page, section, score: scores.reduce((a, b) => a + b, phrase) });
		}
	return found.sort((a, b) => b.score - a.score || a.page[1].length - b.page[1].length);
}

function element(name, text) {
	const made = document.createElement(name);
	made.textContent = text;
	return made;
}

function show(question) {
	const found = search(question), list = document.getElementById("results");
	const status = document.getElementById("status");
	list.replaceChildren();
	status.textContent = question.trim() === "" ? "" : found.length === 0 ? "Nothing was found." :
		found.length > LIMIT ? `${found.length} sections, of which the best ${LIMIT} are shown.` :
		found.length === 1 ? "1 section." : `${found.length} sections.`;
	for (const { page, section } of found.slice(0, LIMIT)) {
		const item = document.createElement("li"), link = document.createElement("a");
		link.href = page[0] + (section[0] === "" ? "" : "#" + section[0]);
		link.textContent = section[0] === "" ? page[1] : `${page[1]}: ${section[1]}`;
		item.append(link, element("p", section[2]));
		list.append(item);
	}
}

addEventListener("DOMContentLoaded", () => {
	const field = document.getElementById("site-search");
	field.value = new URLSearchParams(location.search).get("q") || "";
	field.addEventListener("input", () => show(field.value));
	show(field.value);
	if (field.value === "")
		field.focus();
});
