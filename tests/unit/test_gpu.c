/* GPUs: a fake NVML of several machines, and recorded sysfs trees of AMD and Intel. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "probe/parts.h"
#include "unit.h"

static const struct pls_note *find_note(const struct pls_machine *m, const char *code)
{
    for (uint32_t i = 0; i < m->n_notes; i++) {
        if (strcmp(m->notes[i].code, code) == 0) {
            return &m->notes[i];
        }
    }
    return NULL;
}

static void read_fake(const char *library, const char *scene, struct pls_values *values)
{
    char room[256];
    struct pls_text path = PLS_TEXT(room);
    pls_text_add(&path, "./%s/tests/fakes/%s.so", TEST_BUILD, library);
    setenv("FAKE_NVML", scene, 1);
    struct pls_dl *dl = pls_dl_open(room);
    ck_assert_ptr_nonnull(dl);
    *values = (struct pls_values){ .n = 0 };
    pls_nvml_read(dl, values);
    pls_dl_close(dl);
}

static struct pls_machine machine_of(const char *library, const char *scene)
{
    static struct pls_values values;
    struct pls_machine m = { .os = "linux", .has_desktop = true };
    struct pls_topology topo = {
        .n_pci = 1, .pci = { { .address = "0000:01:00.0", .vendor = 0x10de, .device = 0x2684 } }
    };
    struct pls_root *root = NULL;
    read_fake(library, scene, &values);
    ck_assert_int_eq(pls_root_open("tests/machines/plain-8c16t-64g", &root, NULL), PLS_OK);
    struct pls_pool *ram = pls_machine_pool(&m, "ram", PLS_POOL_RAM);
    ram->capacity_bytes = 64 * PLS_GIB;
    ram->free_bytes = 60 * PLS_GIB;
    pls_nvidia_gpus(root, &values, &topo, &m);
    pls_root_close(root);
    return m;
}

START_TEST(nvml_without_gpus)
{
    struct pls_machine m = machine_of("fake_nvml", "none");
    ck_assert_uint_eq(m.n_gpus, 0);
    ck_assert_uint_eq(m.n_notes, 0);
    ck_assert_uint_eq(m.n_pools, 1);
}
END_TEST

START_TEST(nvml_with_one)
{
    struct pls_machine m = machine_of("fake_nvml", "one");
    ck_assert_uint_eq(m.n_gpus, 1);
    const struct pls_gpu *gpu = &m.gpus[0];
    ck_assert_str_eq(gpu->id, "gpu0");
    ck_assert_str_eq(gpu->name, "NVIDIA GeForce RTX 4090");
    ck_assert_str_eq(gpu->vendor, "nvidia");
    ck_assert_str_eq(gpu->pci_id, "10de:2684");
    ck_assert_str_eq(gpu->pci_address, "0000:01:00.0");
    ck_assert_str_eq(gpu->driver, "580.95.05");
    ck_assert_int_eq(gpu->backend, PLS_BACKEND_CUDA);
    ck_assert_uint_eq(gpu->compute_capability, 89);
    ck_assert_uint_eq(gpu->cores, 128); /* 16384 cores, 128 to a multiprocessor */
    ck_assert(gpu->has_display);
    ck_assert_double_eq_tol(gpu->link_gbs, 31.504, 1e-6); /* 16 lanes of 1.969 */
    const struct pls_pool *pool = &m.pools[gpu->pool];
    ck_assert_int_eq(pool->kind, PLS_POOL_VRAM);
    ck_assert_int_eq(pool->within, -1);
    ck_assert_uint_eq(pool->capacity_bytes, 24564 * PLS_MIB);
    ck_assert_uint_eq(pool->free_bytes, 23000 * PLS_MIB);
    ck_assert_double_eq_tol(pool->bandwidth_gbs, 1008.096, 1e-6); /* 10501 MHz * 2 * 384 bit / 8 */
    ck_assert_int_eq(pool->origin, PLS_ORIGIN_TABLE);
    struct pls_budget_policy p = pls_budget_policy_default();
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(pool->budget_bytes,
                      (24564 - 400 - 256 - 768) * PLS_MIB); /* reserved, margin, desktop */
    ck_assert_ptr_null(find_note(&m, "driver-reserved"));
}
END_TEST

START_TEST(nvml_with_several)
{
    struct pls_machine m = machine_of("fake_nvml", "two");
    ck_assert_uint_eq(m.n_gpus, 2);
    ck_assert_str_eq(m.gpus[1].id, "gpu1");
    ck_assert_str_eq(m.gpus[1].pci_address, "0000:02:00.0");
    ck_assert(!m.gpus[1].has_display);
    m = machine_of("fake_nvml", "eight");
    ck_assert_uint_eq(m.n_gpus, 8);
    ck_assert_uint_eq(m.n_pools, 9);
    ck_assert_uint_eq(m.pools[8].capacity_bytes, 143771 * PLS_MIB);
    ck_assert_double_eq_tol(m.pools[8].bandwidth_gbs, 4916.736, 1e-6); /* 3201 * 2 * 6144 / 8 */
    ck_assert_double_eq_tol(m.gpus[7].link_gbs, 63.008, 1e-6);
}
END_TEST

START_TEST(nvml_of_an_old_driver)
{
    struct pls_machine m = machine_of("fake_nvml_old", "one");
    ck_assert_uint_eq(m.n_gpus, 1);
    ck_assert_uint_eq(m.pools[1].capacity_bytes, 24564 * PLS_MIB);
    ck_assert_int_eq(m.pools[1].origin, PLS_ORIGIN_UNKNOWN);
    ck_assert_str_eq(m.gpus[0].pci_id, "");
    ck_assert_uint_eq(m.gpus[0].cores, 0);
}
END_TEST

START_TEST(nvml_that_fails)
{
    static const struct {
        const char *library, *scene, *words;
    } rows[] = {
        { "fake_nvml_broken", "one", "lacks functions" },
        { "fake_nvml", "nodriver", "not loaded" },
        { "fake_nvml", "mismatch", "different versions" },
        { "fake_nvml", "error", "reports an error" },
    };
    for (size_t i = 0; i < PLS_COUNT_OF(rows); i++) {
        struct pls_machine m = machine_of(rows[i].library, rows[i].scene);
        ck_assert_uint_eq(m.n_gpus, 0);
        ck_assert_uint_eq(m.n_notes, 1);
        ck_assert_str_eq(m.notes[0].code, "nvml-error");
        ck_assert_msg(strstr(m.notes[0].text, rows[i].words) != NULL, "%s", m.notes[0].text);
    }
}
END_TEST

START_TEST(nvml_with_a_lost_gpu)
{
    static const char *const scenes[] = { "lost", "late-lost" };
    for (size_t i = 0; i < PLS_COUNT_OF(scenes); i++) {
        struct pls_machine m = machine_of("fake_nvml", scenes[i]);
        ck_assert_uint_eq(m.n_gpus, 1); /* the other one still serves */
        ck_assert_str_eq(m.gpus[0].pci_address, "0000:02:00.0");
        ck_assert_ptr_nonnull(find_note(&m, "gpu-lost"));
    }
    struct pls_machine m = machine_of("fake_nvml", "mute");
    ck_assert_uint_eq(m.n_gpus, 1);
    ck_assert_uint_eq(m.pools[1].capacity_bytes, 0);
    ck_assert_ptr_nonnull(find_note(&m, "gpu-memory-unknown"));
}
END_TEST

START_TEST(nvml_with_unified_memory)
{
    struct pls_machine m = machine_of("fake_nvml", "gb10");
    ck_assert_uint_eq(m.n_gpus, 1);
    ck_assert_int_eq(m.pools[1].kind, PLS_POOL_UNIFIED);
    ck_assert_int_eq(m.pools[1].within, 0);
    ck_assert_uint_eq(m.pools[1].capacity_bytes, 64 * PLS_GIB);
    ck_assert_uint_eq(m.gpus[0].compute_capability, 121);
    ck_assert_str_eq(m.gpus[0].pci_address, "000f:01:00.0");
    ck_assert_ptr_nonnull(find_note(&m, "unified-memory"));
    struct pls_budget_policy p = pls_budget_policy_default();
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[1].budget_bytes, m.pools[0].budget_bytes);
}
END_TEST

START_TEST(nvml_with_slices)
{
    struct pls_machine m = machine_of("fake_nvml", "mig");
    ck_assert_uint_eq(m.n_gpus, 2);
    ck_assert_str_eq(m.gpus[0].name, "NVIDIA A100-SXM4-40GB MIG 3g.20gb");
    ck_assert_uint_eq(m.gpus[0].cores, 42);
    ck_assert_uint_eq(m.pools[2].capacity_bytes, 19968 * PLS_MIB);
    /* 1215 * 2 * 5120 / 8 = 1555.2 GB/s for 40960 MiB; a slice has 19968 of them: 0.4875 */
    ck_assert_double_eq_tol(m.pools[2].bandwidth_gbs, 758.16, 1e-6);
    ck_assert_ptr_nonnull(find_note(&m, "mig"));
}
END_TEST

static void probe_into(const char *name, struct pls_machine *m)
{
    char room[128];
    struct pls_text path = PLS_TEXT(room);
    struct pls_root *root = NULL;
    struct pls_err err = { PLS_OK, "" };
    pls_text_add(&path, "tests/machines/%s", name);
    ck_assert_int_eq(pls_root_open(room, &root, &err), PLS_OK);
    ck_assert_msg(pls_probe(root, m, &err) == PLS_OK, "%s: %s", name, err.text);
    pls_root_close(root);
}

START_TEST(amd_discrete)
{
    struct pls_machine m;
    probe_into("amd-7900xtx-24g", &m);
    ck_assert_uint_eq(m.n_gpus, 1);
    const struct pls_gpu *gpu = &m.gpus[0];
    const struct pls_pool *pool = &m.pools[1];
    ck_assert_str_eq(gpu->vendor, "amd");
    ck_assert_str_eq(gpu->pci_id, "1002:744c");
    ck_assert_str_eq(gpu->name, "AMD Radeon RX 7900 XTX"); /* device and revision in amdgpu.ids */
    ck_assert_uint_eq(gpu->revision, 0xc8);
    ck_assert_str_eq(gpu->driver, "amdgpu");
    ck_assert_int_eq(gpu->backend, PLS_BACKEND_ROCM);
    ck_assert_uint_eq(gpu->cores, 96);
    ck_assert(gpu->has_display);
    ck_assert_double_eq_tol(gpu->link_gbs, 31.504, 1e-6);
    ck_assert_int_eq(pool->kind, PLS_POOL_VRAM);
    ck_assert_uint_eq(pool->capacity_bytes, 25753026560);
    ck_assert_uint_eq(pool->free_bytes, 25753026560 - 1500000000);
    ck_assert_double_eq_tol(pool->bandwidth_gbs, 959.232, 1e-6); /* 1249 MHz * 16 * 384 / 8 */
    ck_assert_ptr_null(find_note(&m, "no-rebar"));
}
END_TEST

START_TEST(amd_strix_halo)
{
    struct pls_machine m;
    probe_into("amd-strix-halo-128g", &m);
    ck_assert_uint_eq(m.n_gpus, 1);
    const struct pls_pool *pool = &m.pools[1];
    ck_assert_int_eq(pool->kind, PLS_POOL_SHARED);
    ck_assert_int_eq(pool->within, 0);
    ck_assert_uint_eq(pool->capacity_bytes, m.pools[0].capacity_bytes);
    ck_assert_uint_eq(pool->n_limits, 2); /* GTT and ttm */
    ck_assert_str_eq(pool->limits[0].code, "gtt");
    ck_assert_uint_eq(pool->limits[0].bytes, 67075207168);
    ck_assert_uint_eq(m.gpus[0].cores, 40);
    ck_assert_uint_eq(m.gpus[0].revision, 0xc1);
    ck_assert_double_eq_tol(pool->bandwidth_gbs, 256, 1e-6); /* 1000 MHz * 8 * 256 / 8 */
    const struct pls_note *note = find_note(&m, "raise-gtt");
    ck_assert_ptr_nonnull(note);
    /* MemTotal 131006264 kB = 124.94 GiB less an eighth is 109.3: 109 GiB of 262144 pages */
    ck_assert_ptr_nonnull(strstr(note->text, "ttm.pages_limit=28573696"));
    struct pls_budget_policy p = pls_budget_policy_default();
    pls_budget_apply(&m, &p);
    ck_assert_uint_eq(m.pools[1].budget_bytes, 67075207168);
    ck_assert_ptr_nonnull(find_note(&m, "gtt"));
}
END_TEST

START_TEST(amd_strix_halo_with_a_large_carve_out)
{
    struct pls_machine m;
    probe_into("amd-strix-halo-carved-96g", &m);
    const struct pls_pool *pool = &m.pools[1];
    ck_assert_int_eq(pool->kind, PLS_POOL_VRAM);
    ck_assert_int_eq(pool->within, -1); /* firmware took it out of MemTotal: nothing is counted twice */
    ck_assert_uint_eq(pool->capacity_bytes, 96 * PLS_GIB);
    ck_assert_uint_eq(m.pools[0].capacity_bytes, 32505856 * PLS_KIB);
    ck_assert_ptr_nonnull(find_note(&m, "carve-out"));
    ck_assert_ptr_null(find_note(&m, "raise-gtt"));
}
END_TEST

START_TEST(intel_discrete_and_integrated)
{
    struct pls_machine m;
    probe_into("intel-b580-and-igpu-32g", &m);
    ck_assert_uint_eq(m.n_gpus, 2);
    ck_assert_int_eq(m.pools[1].kind, PLS_POOL_SHARED);
    ck_assert_int_eq(m.gpus[0].backend, PLS_BACKEND_VULKAN);
    ck_assert_uint_eq(m.pools[1].limits[0].bytes, m.pools[0].capacity_bytes / 2);
    ck_assert_int_eq(m.pools[2].kind, PLS_POOL_VRAM);
    ck_assert_uint_eq(m.pools[2].capacity_bytes, 12 * PLS_GIB - 512 * PLS_MIB);
    ck_assert_str_eq(m.gpus[1].pci_id, "8086:e20b");
    ck_assert_int_eq(m.gpus[1].backend, PLS_BACKEND_SYCL);
}
END_TEST

START_TEST(a_gpu_without_a_driver)
{
    struct pls_machine m;
    probe_into("nvidia-no-driver-32g", &m);
    ck_assert_uint_eq(m.n_gpus, 1); /* the server's ASPEED display adapter is none */
    ck_assert_str_eq(m.gpus[0].pci_id, "10de:2204");
    ck_assert_str_eq(m.gpus[0].name, "GA102 [GeForce RTX 3090]");
    ck_assert_int_eq(m.gpus[0].backend, PLS_BACKEND_NONE);
    ck_assert_uint_eq(m.pools[1].capacity_bytes, 0);
    ck_assert_ptr_nonnull(find_note(&m, "gpu-memory-unknown"));
}
END_TEST

START_TEST(nvidia_replayed_from_a_recording)
{
    struct pls_machine m;
    probe_into("dgx-spark-gb10-128g", &m);
    ck_assert_str_eq(m.arch, "arm64");
    ck_assert_uint_eq(m.n_gpus, 1);
    ck_assert_int_eq(m.pools[1].kind, PLS_POOL_UNIFIED);
    ck_assert_uint_eq(m.pools[1].capacity_bytes, 125508468 * PLS_KIB);
    ck_assert_uint_eq(m.cpu.cores, 20);
    ck_assert_uint_eq(m.cpu.n_tiers, 2);
    ck_assert_uint_eq(m.cpu.tiers[0].cores, 10);
    ck_assert_str_eq(m.name, "NVIDIA_DGX_Spark");
    ck_assert_str_eq(m.cpu.name, "Cortex-A725 + Cortex-X925");
}
END_TEST

START_TEST(amd_by_ioctl)
{
    struct pls_machine m;
    probe_into("amd-6600-no-kfd-8g", &m);
    ck_assert_int_eq(m.gpus[0].backend, PLS_BACKEND_VULKAN); /* no KFD, no ROCm */
    ck_assert_uint_eq(m.gpus[0].cores, 28);
    ck_assert_double_eq_tol(m.pools[1].bandwidth_gbs, 224, 1e-9); /* 875 MHz * 16 * 128 bit / 8 */
    ck_assert_ptr_nonnull(find_note(&m, "no-rebar"));             /* 256 MiB visible */
}
END_TEST

START_TEST(intel_by_ioctl_and_by_opencl)
{
    struct pls_machine m;
    probe_into("intel-a770-i915-16g", &m);
    ck_assert_uint_eq(m.pools[1].capacity_bytes, 17079205888);
    ck_assert_ptr_null(find_note(&m, "gpu-memory-unknown"));
    probe_into("intel-a380-opencl-6g", &m);
    ck_assert_uint_eq(m.pools[1].capacity_bytes, 6363619328); /* not the other vendor's device */
    ck_assert_ptr_null(find_note(&m, "gpu-memory-unknown"));
    ck_assert_ptr_nonnull(find_note(&m, "memory-by-opencl"));
}
END_TEST

START_TEST(opencl_library)
{
    static struct pls_values v;
    uint64_t bytes = 0;
    struct pls_dl *dl = pls_dl_open("./" TEST_BUILD "/tests/fakes/fake_opencl.so");
    ck_assert_ptr_nonnull(dl);
    v.n = 0;
    pls_opencl_read(dl, &v);
    ck_assert_str_eq(pls_values_get(&v, "opencl.count"), "1");
    ck_assert(pls_values_get_u64(&v, "opencl.0.memory", &bytes));
    ck_assert_uint_eq(bytes, 6363619328);
    ck_assert_str_eq(pls_values_get(&v, "opencl.0.vendor_id"), "32902");
    pls_dl_close(dl);
}
END_TEST

START_TEST(gpus_of_an_xml_export)
{
    struct pls_machine m;
    struct pls_err err;
    ck_assert_int_eq(pls_probe_xml("tests/machines/xml-power8-2xp100/hwloc.xml", &m, &err), PLS_OK);
    ck_assert_uint_eq(m.n_gpus, 2); /* cuda, opencl and nvml are one device; an OpenCL processor is none */
    ck_assert_str_eq(m.gpus[1].name, "Tesla P100-SXM2-16GB");
    ck_assert_str_eq(m.gpus[1].pci_id, "10de:15f9");
    ck_assert_str_eq(m.gpus[1].pci_address, "0001:01:00.0");
    ck_assert_int_eq(m.gpus[1].backend, PLS_BACKEND_CUDA);
    ck_assert_uint_eq(m.pools[2].capacity_bytes, 16671616 * PLS_KIB);
    ck_assert_uint_eq(m.pools[0].capacity_bytes, 256 * PLS_GIB);
    ck_assert_int_eq(pls_probe_xml("tests/machines/xml-apple-truncated/hwloc.xml", &m, &err), PLS_FORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "32 bits"));
    enum pls_code code = pls_probe_xml("tests/machines/xml-hwloc3/hwloc.xml", &m, &err);
    ck_assert_msg(code == PLS_UNSUPPORTED || code == PLS_FORMAT, "%s", err.text);
}
END_TEST

START_TEST(memory_modules)
{
    struct pls_machine m;
    probe_into("dimm-ddr5-2ch-4x16g", &m);
    ck_assert_double_eq_tol(m.pools[0].bandwidth_gbs, 83.2,
                            1e-9); /* two channels of 64 bits at the configured 5200 */
    ck_assert_int_eq(m.pools[0].origin, PLS_ORIGIN_TABLE);
    probe_into("dimm-epyc-12ch-384g", &m);
    ck_assert_double_eq_tol(m.pools[0].bandwidth_gbs, 460.8,
                            1e-9); /* 12 * 64 * 4800 / 8000; the empty slot counts not */
    probe_into("dimm-unnamed-32g", &m);
    ck_assert_int_eq(m.pools[0].origin, PLS_ORIGIN_UNKNOWN); /* locators "A1", "A2" name no channel */
}
END_TEST

UNIT_MAIN("gpu", nvml_without_gpus, nvml_with_one, nvml_with_several, nvml_of_an_old_driver, nvml_that_fails,
          nvml_with_a_lost_gpu, nvml_with_unified_memory, nvml_with_slices, amd_discrete, amd_strix_halo,
          amd_strix_halo_with_a_large_carve_out, intel_discrete_and_integrated, a_gpu_without_a_driver,
          nvidia_replayed_from_a_recording, amd_by_ioctl, intel_by_ioctl_and_by_opencl, opencl_library,
          gpus_of_an_xml_export, memory_modules)
