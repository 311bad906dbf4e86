/* Stand-ins for hypervisors, as a machine sees them: VMware behind its I/O port, VirtualBox behind its driver.
 *
 * The port: a program that reads from it without leave gets SIGSEGV; the handler does then with the registers what the
 * hypervisor would do. The driver: what its ioctls check and answer, with the structures of the kernel's own headers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/vbox_err.h>
#include <linux/vboxguest.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/* Variables (VMware) or properties (VirtualBox). */
static struct { char name[256]; char *value; size_t size; } store[16];

void store_clear(void)
{
	for (int i = 0; i < 16; i++) {
		free(store[i].value);
		memset(&store[i], 0, sizeof(store[i]));
	}
}

void store_set(const char *name, const char *value, size_t size)
{
	for (int i = 0; i < 16; i++)
		if (!store[i].value || !strcmp(store[i].name, name)) {
			free(store[i].value);
			snprintf(store[i].name, sizeof(store[i].name), "%s", name);
			store[i].value = malloc(size + 1);
			memcpy(store[i].value, value, size);
			store[i].size = size;
			return;
		}
}

static int lookup(const char *name)
{
	for (int i = 0; i < 16; i++)
		if (store[i].value && !strcmp(store[i].name, name))
			return i;
	return -1;
}

long store_get(const char *name, char *into, size_t room)
{
	int i = lookup(name);
	if (i < 0)
		return -1;
	memcpy(into, store[i].value, store[i].size < room ? store[i].size : room);
	return store[i].size;
}

/* VMware. What it should do wrong: a kind of message that fails, or meets a checkpoint once; no cookies; bad words. */
int fail_kind = -1, checkpoint_kind = -1, no_cookies, bad_reply, huge_reply, opened, closed;
static char request[1 << 20], *reply;
static uint32_t request_size, request_done, reply_size, reply_done;
static const uint32_t COOKIE_HIGH = 0xCAFE0001, COOKIE_LOW = 0xCAFE0002;
static struct sigaction before;

static void answer(void)
{
	const char *get = "info-get ", *set = "info-set ";
	free(reply);
	request[request_size] = 0;
	if (bad_reply) {
		reply = strdup("?");
		reply_size = 1;
	} else if (!strncmp(request, get, 9)) {
		int i = lookup(request + 9);
		size_t size = i < 0 ? strlen("No value found") : store[i].size;
		reply = malloc(size + 2);
		memcpy(reply, i < 0 ? "0 " : "1 ", 2);
		memcpy(reply + 2, i < 0 ? "No value found" : store[i].value, size);
		reply_size = size + 2;
	} else if (!strncmp(request, set, 9)) {
		char *name = request + 9, *value = strchr(name, ' ');
		*value++ = 0;
		store_set(name, value, request + request_size - value);
		reply = strdup("1 ");
		reply_size = 2;
	} else {
		reply = strdup("0 Unknown command");
		reply_size = strlen(reply);
	}
	reply_done = 0;
}

#define REG(name) context->uc_mcontext.gregs[REG_##name]
#define STATUS(bits) REG(RCX) = (REG(RCX) & 0xFFFF) | (greg_t)(bits) << 16
#define ANSWER(kind) REG(RDX) = (REG(RDX) & 0xFFFF) | (greg_t)(kind) << 16

static void message(ucontext_t *context)
{
	uint32_t kind = REG(RCX) >> 16 & 0xFFFF, bx = REG(RBX), word = 0;
	if (kind == 0) {
		if (bx != 0xC9435052 && !(no_cookies && bx == 0x49435052))
			return STATUS(0), (void)0;
		if (no_cookies && bx == 0xC9435052)
			return STATUS(0), (void)0;
		opened++;
		STATUS(1);
		ANSWER(7);
		REG(RSI) = COOKIE_HIGH;
		REG(RDI) = COOKIE_LOW;
		return;
	}
	if ((int)kind == fail_kind || (REG(RDX) >> 16 & 0xFFFF) != 7 || (uint32_t)REG(RSI) != COOKIE_HIGH ||
	    (uint32_t)REG(RDI) != COOKIE_LOW)
		return STATUS(0), (void)0;
	if ((int)kind == checkpoint_kind) {
		checkpoint_kind = -1;
		return STATUS(0x10), (void)0;
	}
	STATUS(1);
	switch (kind) {
	case 1:
		request_size = bx;
		request_done = 0;
		break;
	case 2:
		for (int i = 0; i < 4 && request_done < request_size; i++)
			request[request_done++] = bx >> 8 * i;
		if (request_done == request_size)
			answer();
		break;
	case 3:
		STATUS(3);
		ANSWER(1);
		REG(RBX) = huge_reply ? 0x7FFFFFFF : reply_size;
		break;
	case 4:
		for (int i = 0; i < 4 && reply_done < reply_size; i++)
			word |= (uint32_t)(uint8_t)reply[reply_done++] << 8 * i;
		REG(RBX) = word;
		ANSWER(2);
		break;
	case 6:
		closed++;
	}
}

static void trap(int number, siginfo_t *info, void *data)
{
	ucontext_t *context = data;
	const uint8_t *code = (const uint8_t *)REG(RIP);
	(void)info;
	if (code[0] != 0xED || (REG(RDX) & 0xFFFF) != 0x5658 || (uint32_t)REG(RAX) != 0x564D5868) {
		sigaction(number, &before, NULL); /* a defect: dies of it when it is executed again */
		return;
	}
	REG(RIP) += 1;
	if ((REG(RCX) & 0xFFFF) == 10) {
		REG(RAX) = 6;
		REG(RBX) = 0x564D5868;
	} else {
		message(context);
	}
}

void vmware_on(void)
{
	struct sigaction action = {.sa_sigaction = trap, .sa_flags = SA_SIGINFO | SA_NODEFER};
	sigaction(SIGSEGV, &action, &before);
	fail_kind = checkpoint_kind = -1;
	no_cookies = bad_reply = huge_reply = opened = closed = 0;
}

void vmware_off(void)
{
	sigaction(SIGSEGV, &before, NULL);
}

/* VirtualBox. What it should do wrong: growing while it is read, no end, refusing to delete, no service. */
int grows, no_end, read_only, no_service, connected;

static int checked(struct vbg_ioctl_hdr *header, size_t in, size_t out)
{
	return header->size_in == sizeof(*header) + in && header->size_out == sizeof(*header) + out ? 0 : -EINVAL;
}

static int call(struct vbg_ioctl_hgcm_call *call)
{
	struct vmmdev_hgcm_function_parameter64 *p = (void *)(call + 1);
	size_t wanted = sizeof(*call) + call->parm_count * sizeof(*p);
	if (call->hdr.size_in != wanted || call->hdr.size_out != wanted || call->client_id != 42 || call->reserved)
		return -EINVAL;
	if (call->parm_count < 1 || p[0].type != VMMDEV_HGCM_PARM_TYPE_LINADDR_IN)
		return -EINVAL;
	const char *name = (const char *)(uintptr_t)p[0].u.pointer.u.linear_addr;
	if (strlen(name) + 1 != p[0].u.pointer.size)
		return -EINVAL;
	int i = lookup(name);
	call->hdr.rc = i < 0 ? VERR_NOT_FOUND : VINF_SUCCESS;
	if (call->function == 4 && call->parm_count == 1) { /* delete */
		if (read_only)
			call->hdr.rc = VERR_PERMISSION_DENIED;
		else if (i >= 0)
			store[i].name[0] = 0;
		return 0;
	}
	if (call->function != 1 || call->parm_count != 4 || p[1].type != VMMDEV_HGCM_PARM_TYPE_LINADDR ||
	    p[2].type != VMMDEV_HGCM_PARM_TYPE_64BIT || p[3].type != VMMDEV_HGCM_PARM_TYPE_32BIT)
		return -EINVAL;
	if (i < 0)
		return 0;
	uint32_t size = store[i].size + (no_end ? 0 : sizeof("FLAGS") + 1);
	if (grows && p[1].u.pointer.size >= size) {
		grows--;
		store_set(name, "grown and grown and grown", 25);
		size = 25 + sizeof("FLAGS") + 1;
	}
	p[3].u.value32 = size;
	if (p[1].u.pointer.size < size) {
		call->hdr.rc = VERR_BUFFER_OVERFLOW;
		return 0;
	}
	char *into = (char *)(uintptr_t)p[1].u.pointer.u.linear_addr;
	memcpy(into, store[i].value, store[i].size);
	if (!no_end)
		memcpy(into + store[i].size, "\0FLAGS", sizeof("FLAGS") + 1);
	return 0;
}

/* As the driver: 0 or a negative errno. */
int virtualbox_ioctl(unsigned long request, void *data)
{
	struct vbg_ioctl_hdr *header = data;
	uint32_t size = header->size_in > header->size_out ? header->size_in : header->size_out;
	if (header->version != VBG_IOCTL_HDR_VERSION || _IOC_SIZE(request) != size || header->type || header->reserved)
		return -EINVAL;
	header->rc = VINF_SUCCESS;
	if (request == VBG_IOCTL_DRIVER_VERSION_INFO) {
		struct vbg_ioctl_driver_version_info *info = data;
		if (checked(header, sizeof(info->u.in), sizeof(info->u.out)) || info->u.in.req_version != VBG_IOC_VERSION)
			return -EINVAL;
		return 0;
	}
	if (request == VBG_IOCTL_HGCM_CONNECT) {
		struct vbg_ioctl_hgcm_connect *to = data;
		if (checked(header, sizeof(to->u.in), sizeof(to->u.out)) ||
		    to->u.in.loc.type != VMMDEV_HGCM_LOC_LOCALHOST_EXISTING ||
		    strcmp(to->u.in.loc.u.localhost.service_name, "VBoxGuestPropSvc"))
			return -EINVAL;
		if (no_service) {
			header->rc = VERR_NOT_SUPPORTED;
			return 0;
		}
		connected++;
		to->u.out.client_id = 42;
		return 0;
	}
	if (request == VBG_IOCTL_HGCM_DISCONNECT) {
		struct vbg_ioctl_hgcm_disconnect *from = data;
		if (checked(header, sizeof(from->u.in), 0) || from->u.in.client_id != 42)
			return -EINVAL;
		connected--;
		return 0;
	}
	if (_IOC_TYPE(request) == 'V' && _IOC_NR(request) == 7 && _IOC_DIR(request) == (_IOC_READ | _IOC_WRITE))
		return call(data);
	return -ENOTTY;
}
