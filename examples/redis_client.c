/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * hiredis in a stack: a client of a Redis server in the network of the stack.
 *
 *     redis_client CONFIG ADDRESS
 *
 * redisConnectFd() takes a socket that is connected; vdestack_dial() returns one. It also finds names of the
 * stack's network. hiredis cannot connect such a context again (redisReconnect()): dial again instead.
 *
 * Needs hiredis (pkg-config: hiredis) and libvdestack-dns.
 */

#include <hiredis.h>
#include <stdio.h>
#include <vdestack.h>
#include <vdestack/dial.h>
#include <vdestack/dns.h>

/* Prints the answer to one command. */
static int ask(redisContext *redis, const char *command)
{
	redisReply *reply = redisCommand(redis, command);

	if (reply == NULL) {
		fprintf(stderr, "redis_client: %s\n", redis->errstr);
		return -1;
	}
	if (reply->type == REDIS_REPLY_INTEGER)
		printf("%s: %lld\n", command, reply->integer);
	else
		printf("%s: %s\n", command, reply->str != NULL ? reply->str : "nothing");
	freeReplyObject(reply);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: redis_client CONFIG ADDRESS\n");
		return 2;
	}
	struct vdestack *stack = vdestack_new(argv[1], NULL);
	if (stack == NULL) {
		fprintf(stderr, "redis_client: %s\n", vdestack_last_error());
		return 1;
	}
	int fd = vdestack_dial(stack, "tcp", argv[2], 20000);
	if (fd < 0) {
		fprintf(stderr, "redis_client: %s\n", vdestack_dns_last_error());
		return 1;
	}
	redisContext *redis = redisConnectFd(fd); /* owns the descriptor from now on */
	int failed = redis == NULL || ask(redis, "PING") < 0 || ask(redis, "INCR visits") < 0 ||
		     ask(redis, "INCR visits") < 0;
	if (redis != NULL)
		redisFree(redis); /* closes the socket; then the stack can be deleted */
	return vdestack_delete(stack) < 0 || failed;
}
