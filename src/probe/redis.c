#include "probe/probes.h"

/* The server takes arrays of at most 1048576 (seven digits) elements: PROTO_MAX_MULTIBULK_LEN is checked as INT_MAX since 7.0. */
#define DIGITS 10

/* *2\r\n$  An empty array is no command, so the first digit is not 0. */
enum verdict
probe_redis(struct span in, struct reading *r)
{
	size_t i;

	(void)r;
	if (in.bytes[0] != '*')
		return PROBE_NO;
	for (i = 1; i < in.length && i <= DIGITS; i++)
		if (in.bytes[i] < (i == 1 ? '1' : '0') || in.bytes[i] > '9')
			break;
	if (i == 1 && in.length > 1)
		return PROBE_NO;
	return i == in.length ? PROBE_MORE : probe_literal(span_slice(in, i, in.length), "\r\n$", 3);
}

/* The words that Redis 7.0 answers `COMMAND LIST' with, each with a space behind it. */
static const char commands[] =
    "acl append asking auth bgrewriteaof bgsave bitcount bitfield bitfield_ro bitop bitpos blmove blmpop blpop brpop "
    "brpoplpush bzmpop bzpopmax bzpopmin client cluster command config copy dbsize debug decr decrby del discard "
    "dump echo eval eval_ro evalsha evalsha_ro exec exists expire expireat expiretime failover fcall fcall_ro "
    "flushall flushdb function geoadd geodist geohash geopos georadius georadius_ro georadiusbymember "
    "georadiusbymember_ro geosearch geosearchstore get getbit getdel getex getrange getset hdel hello hexists hget "
    "hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx hstrlen hvals incr incrby "
    "incrbyfloat info keys lastsave latency lcs lindex linsert llen lmove lmpop lolwut lpop lpos lpush lpushx lrange "
    "lrem lset ltrim memory mget migrate module monitor move mset msetnx multi object persist pexpire pexpireat "
    "pexpiretime pfadd pfcount pfdebug pfmerge pfselftest ping psetex psubscribe psync pttl publish pubsub "
    "punsubscribe quit randomkey readonly readwrite rename renamenx replconf replicaof reset restore restore-asking "
    "role rpop rpoplpush rpush rpushx sadd save scan scard script sdiff sdiffstore select set setbit setex setnx "
    "setrange shutdown sinter sintercard sinterstore sismember slaveof slowlog smembers smismember smove sort "
    "sort_ro spop spublish srandmember srem sscan ssubscribe strlen subscribe substr sunion sunionstore sunsubscribe "
    "swapdb sync time touch ttl type unlink unsubscribe unwatch wait watch xack xadd xautoclaim xclaim xdel xgroup "
    "xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim zadd zcard zcount zdiff zdiffstore zincrby "
    "zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange zrangebylex "
    "zrangebyscore zrangestore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex "
    "zrevrangebyscore zrevrank zscan zscore zunion zunionstore ";

/* "PING\r\n", as people type it; in any case.  HTTP's GET and some commands of memcached and beanstalkd look so too. */
enum verdict
probe_redis_inline(struct span in, struct reading *r)
{
	enum verdict verdict = PROBE_NO;
	size_t length;

	(void)r;
	for (const char *word = commands; *word != '\0'; word += length + 1) {
		size_t i = 0;

		length = strcspn(word, " ");
		while (i < length && i < in.length && text_lower(in.bytes[i]) == word[i])
			i++;
		if (i == in.length)
			verdict = PROBE_MORE;
		else if (i == length && strchr(" \t\r\n", in.bytes[i]) != NULL && in.bytes[i] != '\0')
			return PROBE_YES;
	}
	return verdict;
}
