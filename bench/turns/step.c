/* Steps through whole turns of a media thread, one instruction at a time: from the return of epoll_wait to
 * the next call of it. Counts say the same however busy the machine is, which times do not.
 *
 *   step THREAD CLIENTS TURNS FILE any|sound
 *
 * THREAD is the thread's id and CLIENTS the process that sends to it, which is stopped meanwhile: a turn that
 * takes thousands of times as long would find what came in the next second too. With "sound", only turns that
 * begin with one packet of sound are stepped to their end. FILE gets of each the number of instructions, of calls that
 * receive and that send, and the address of each instruction, all as 64 bits. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST (1u << 20)
/* Turns that began with something else, after which there is no more to wait for. */
#define PATIENCE 5000

static uint64_t addresses[MOST];

/* Waits until the thread stops; 0 when it is no more. */
static int stopped(pid_t thread) {
    int status;
    return waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status);
}

static uint64_t word(pid_t thread, uint64_t address) {
    return (uint64_t)ptrace(PTRACE_PEEKDATA, thread, (void *)address, 0);
}

static int waits(uint64_t call) {
    return call == SYS_epoll_wait || call == SYS_epoll_pwait;
}

/* Whether a recvmmsg into `messages` got one packet of RTP that is as short as sound (RFC 5761 4). */
static int is_sound(pid_t thread, int64_t got, uint64_t messages) {
    if (got != 1) return 0;
    /* struct mmsghdr: the message's vector is its third word, its length follows the message. */
    uint32_t length = (uint32_t)word(thread, messages + 56);
    uint64_t packet = word(thread, word(thread, word(thread, messages + 16)));
    unsigned first = packet & 0xff, type = packet >> 8 & 0x7f;
    return first >> 6 == 2 && (type < 64 || type >= 96) && length < 200;
}

/* Steps until the thread waits again. Gives 1 when it was a turn to keep, -1 when the thread is gone. */
static int turn(pid_t thread, int sound, uint64_t head[3]) {
    struct user_regs_struct registers;
    head[0] = head[1] = head[2] = 0;
    for (;;) {
        if (ptrace(PTRACE_GETREGS, thread, 0, &registers)) return -1;
        uint64_t call = registers.rax, messages = registers.rsi;
        int calls = (word(thread, registers.rip) & 0xffff) == 0x050f;
        if (calls && waits(call)) return head[1] > 0;
        if (head[0] == MOST) return 0;
        addresses[head[0]++] = registers.rip;
        if (ptrace(PTRACE_SINGLESTEP, thread, 0, 0) || !stopped(thread)) return -1;
        if (!calls) continue;
        head[2] += call == SYS_sendmsg || call == SYS_sendto || call == SYS_sendmmsg;
        if (call != SYS_recvmmsg) continue;
        if (ptrace(PTRACE_GETREGS, thread, 0, &registers)) return -1;
        if (head[1]++ == 0 && sound && !is_sound(thread, (int64_t)registers.rax, messages)) return 0;
    }
}

/* Lets the thread run until it waits, and on until that returns. */
static int awaken(pid_t thread) {
    struct user_regs_struct registers;
    if (ptrace(PTRACE_INTERRUPT, thread, 0, 0) || !stopped(thread)) return 0;
    do {
        if (ptrace(PTRACE_SYSCALL, thread, 0, 0) || !stopped(thread)) return 0;
        if (ptrace(PTRACE_GETREGS, thread, 0, &registers)) return 0;
        /* Of a call that begins, the result is "no such call" still. */
    } while ((int64_t)registers.rax != -38 || !waits(registers.orig_rax));
    return ptrace(PTRACE_SINGLESTEP, thread, 0, 0) == 0 && stopped(thread);
}

int main(int count, char **values) {
    if (count != 6) return 2;
    int sound = strcmp(values[5], "sound") == 0;
    pid_t thread = atoi(values[1]), clients = atoi(values[2]);
    FILE *file = fopen(values[4], "wb");
    if (!file || ptrace(PTRACE_SEIZE, thread, 0, 0)) {
        perror("step");
        return 1;
    }
    int kept = 0;
    for (int tries = 0; kept < atoi(values[3]) && tries < PATIENCE; tries++) {
        uint64_t head[3];
        if (!awaken(thread)) return 1;
        kill(clients, SIGSTOP);
        int keep = turn(thread, sound, head);
        kill(clients, SIGCONT);
        if (keep < 0 || ptrace(PTRACE_CONT, thread, 0, 0)) return 1;
        if (keep) {
            fwrite(head, 8, 3, file);
            fwrite(addresses, 8, head[0], file);
            kept++;
        }
        /* Until both ends are over the pause, and not in step with what is sent. */
        usleep(keep ? 1500000 : 20000 + rand() % 9000);
    }
    fclose(file);
    return 0;
}
