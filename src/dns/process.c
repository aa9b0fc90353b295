/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "process.h"

#include <stdatomic.h>

#include "state.h"

/* Its page is zero in a forked child. The counter goes on there, so the child gets another number. */
static struct vs_page *_Atomic own_page;
static atomic_uint_fast64_t counter;

static struct vs_page *get_page(void)
{
	struct vs_page *page = atomic_load(&own_page), *expected = NULL;

	if (page != NULL)
		return page;
	page = vs_state_new_page();
	if (page == NULL || atomic_compare_exchange_strong(&own_page, &expected, page))
		return page;
	vs_state_free_page(page);
	return expected;
}

uint64_t vs_process_number(void)
{
	struct vs_page *page = get_page();

	if (page == NULL)
		return 0;
	pthread_mutex_lock(&page->lock);
	if (page->process == 0)
		page->process = atomic_fetch_add(&counter, 1) + 1;
	uint64_t number = page->process;
	pthread_mutex_unlock(&page->lock);
	return number;
}
