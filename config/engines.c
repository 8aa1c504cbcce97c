/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/engines.h"

const struct engine engines[ENGINES] = {
	{ "/run/buildkit", "/run/buildkit/buildkitd.sock" },
	{ "/run/containerd", "/run/containerd/containerd.sock" },
	{ "/run/cri-dockerd.sock", "/run/cri-dockerd.sock" },
	{ "/run/crio", "/run/crio/crio.sock" },
	{ "/run/docker", "/run/docker/containerd/containerd.sock" },
	{ "/run/docker.sock", "/run/docker.sock" },
	{ "/run/k3s", "/run/k3s/containerd/containerd.sock" },
	{ "/run/libvirt", "/run/libvirt/libvirt-sock" },
	{ "/run/podman", "/run/podman/podman.sock" },
	{ "/var/lib/incus", "/var/lib/incus/unix.socket" },
	{ "/var/lib/lxd", "/var/lib/lxd/unix.socket" },
	{ "/var/snap/lxd/common/lxd", "/var/snap/lxd/common/lxd/unix.socket" },
};
