/* The floor: send() of the same bytes to N loopback sockets, and nothing else.
 *
 * It answers any request with a bare 101, then does what it reads from its standard input:
 *     paced RATE SECONDS OFFSET LENGTH\n  and LENGTH bytes: RATE rounds a second
 *     closed SECONDS OFFSET LENGTH\n      and LENGTH bytes: as fast as the sockets take them
 * At OFFSET of the bytes it writes the time of the round, 19 digits (CLOCK_MONOTONIC, ns).
 * Then it prints one line of JSON: rounds, sends, and the CPU time that they took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 16384, LONGEST = 65536 };

static const char welcome[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\n\r\n";
static int sockets[MOST], count;
static char bytes[LONGEST];

static long long now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void take(int listener) {
    char request[4096];
    int one = 1, s = accept(listener, NULL, NULL);
    if (s < 0 || count == MOST) fail("accept");
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (recv(s, request, sizeof request, 0) <= 0) fail("recv");
    if (send(s, welcome, sizeof welcome - 1, 0) < 0) fail("send");
    sockets[count++] = s;
}

/* One round: the bytes to every socket. */
static void go_round(int offset, int length) {
    char digits[32];
    snprintf(digits, sizeof digits, "%019lld", now(CLOCK_MONOTONIC));
    memcpy(bytes + offset, digits, 19);
    for (int i = 0; i < count; i++)
        for (int sent = 0; sent < length;) {
            ssize_t n = send(sockets[i], bytes + sent, length - sent, MSG_NOSIGNAL);
            if (n < 0) fail("send");
            sent += n;
        }
}

static void sleep_until(long long due) {
    struct timespec t = {due / 1000000000LL, due % 1000000000LL};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
        ;
}

static int obey(void) {
    char command[16];
    double rate = 0, seconds;
    int offset, length;
    if (scanf("%15s", command) != 1) return 0;
    if (!strcmp(command, "paced") && scanf("%lf", &rate) != 1) return 0;
    if (scanf("%lf %d %d", &seconds, &offset, &length) != 3) return 0;
    if (length > LONGEST || offset < 0 || offset + 19 > length || getchar() != '\n') return 0;
    if (fread(bytes, 1, length, stdin) != (size_t)length) return 0;

    long long rounds = 0, start = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    long long end = start + seconds * 1e9;
    for (;; rounds++) {
        long long due = rate > 0 ? start + rounds * 1e9 / rate : now(CLOCK_MONOTONIC);
        if (due >= end) break;
        if (rate > 0) sleep_until(due);
        go_round(offset, length);
    }
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("{\"rounds\": %lld, \"sends\": %lld, \"cpu_us_per_send\": %.3f}\n", rounds,
           rounds * count, cpu / 1e3 / (rounds && count ? rounds * count : 1));
    fflush(stdout);
    return 1;
}

int main(int argc, char **argv) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct rlimit files;
    if (argc != 2) return fprintf(stderr, "usage: floor PORT\n"), 2;
    here.sin_port = htons(atoi(argv[1]));
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 4096))
        fail("listen");
    struct pollfd ready[] = {{listener, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    setvbuf(stdin, NULL, _IONBF, 0); /* what stdio had read ahead, poll() would not see */
    while (poll(ready, 2, -1) >= 0) {
        if (ready[0].revents) take(listener);
        if (ready[1].revents && !obey()) return 0;
    }
    return 1;
}
