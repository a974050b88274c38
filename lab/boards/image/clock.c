/* A board's own clock discipline.
 *
 * Boards share the clock of the machine they run on and may not touch it. timesyncd and timedated
 * get this library preloaded: what timesyncd would tell the kernel is kept in a file of the board,
 * what timedated asks is answered from it. A server whose time is more than timesyncd's 0.4 s off
 * cannot be followed: stepping the clock is refused, so the board stays out of step, and says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define STATE "/run/helicon-lab/clock"
#define UNSYNCHRONISED 16000000L /* microseconds: the kernel's NTP_PHASE_LIMIT */

int clock_adjtime(clockid_t clock, struct timex *answer)
{
	long error = UNSYNCHRONISED;
	unsigned int modes = answer->modes;
	int file, result;

	if (modes & ADJ_SETOFFSET) {
		errno = EPERM;
		return -1;
	}
	if (modes & ADJ_MAXERROR) {
		file = open(STATE, O_WRONLY);
		if (file < 0)
			return -1;
		result = pwrite(file, &answer->maxerror, sizeof error, 0) == sizeof error;
		close(file);
		if (!result)
			return -1;
	}
	answer->modes = 0;
	result = (int)syscall(SYS_clock_adjtime, clock, answer);
	if (result < 0)
		return result;
	file = open(STATE, O_RDONLY);
	if (file >= 0) {
		if (pread(file, &error, sizeof error, 0) != sizeof error)
			error = UNSYNCHRONISED;
		close(file);
	}
	answer->maxerror = error;
	answer->status = error < UNSYNCHRONISED ? STA_PLL : STA_UNSYNC;
	return error < UNSYNCHRONISED ? TIME_OK : TIME_ERROR;
}

int adjtimex(struct timex *answer)
{
	return clock_adjtime(CLOCK_REALTIME, answer);
}
