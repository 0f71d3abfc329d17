#include "render/document.h"
#include "render/record.h"

enum { COMMAND_CAP = 4096 };

uint64_t pls_document_params(const struct pls_model *model)
{
    return model->card.params_total != 0 ? model->card.params_total : pls_tensors_elements(&model->tensors);
}

static void add_model(struct pls_json *j, cJSON *to, const struct pls_model *model)
{
    const struct pls_card *c = &model->card;
    cJSON *o = pls_json_object(j, to, "model");
    uint64_t params = pls_document_params(model);
    pls_json_text(j, o, "id", c->id);
    pls_json_text(j, o, "name", c->name);
    pls_json_text(j, o, "arch", c->arch);
    pls_json_known(j, o, "params", params);
    pls_json_known(j, o, "params_active",
                   c->params_active != 0 ? c->params_active
                   : c->n_expert == 0    ? params
                                         : 0);
    pls_json_known(j, o, "context_max_tokens", c->context_max_tokens);
    pls_json_text(j, o, "source", pls_source_name(c->source));
}

static void add_engine(struct pls_json *j, cJSON *to, const struct pls_ask *ask)
{
    cJSON *o = pls_json_object(j, to, "engine");
    char date[16];
    struct pls_text t = PLS_TEXT(date);
    if (ask->runtime == PLS_RUNTIME_MLX || ask->runtime == PLS_RUNTIME_VLLM) {
        pls_json_text(j, o, "name", ask->runtime == PLS_RUNTIME_MLX ? "mlx-lm" : "vllm");
        pls_json_null(j, o, "as_of");
        return;
    }
    uint32_t d = ask->engine_as_of != 0 ? ask->engine_as_of : PLS_ENGINE_TODAY;
    pls_text_add(&t, "%04u-%02u-%02u", d / 10000 % 10000, d / 100 % 100, d % 100);
    pls_json_text(j, o, "name", "llama.cpp");
    pls_json_text(j, o, "as_of", date);
}

static void add_classes(struct pls_json *j, cJSON *o, const struct pls_bytes *b)
{
    pls_json_u64(j, o, "weights", b->weights);
    pls_json_u64(j, o, "mapped", b->mapped);
    pls_json_u64(j, o, "kv", b->kv);
    pls_json_u64(j, o, "state", b->state);
    pls_json_u64(j, o, "compute", b->compute);
    pls_json_u64(j, o, "output", b->output);
    pls_json_u64(j, o, "projector", b->projector);
    pls_json_u64(j, o, "overhead", b->overhead);
    pls_json_u64(j, o, "total", b->total);
}

static void add_setting(struct pls_json *j, cJSON *o, const struct pls_plan *p)
{
    pls_json_text(j, o, "quant", p->quant);
    pls_json_text(j, o, "format", pls_format_name(p->ask.quant.format));
    pls_json_text(j, o, "runtime", pls_runtime_name(p->ask.runtime));
    add_engine(j, o, &p->ask);
    pls_json_u64(j, o, "context_tokens", p->setting.n_ctx);
    pls_json_u64(j, o, "parallel", p->setting.n_seq);
    pls_json_u64(j, o, "batch_tokens", p->setting.n_batch);
    pls_json_u64(j, o, "ubatch_tokens", p->setting.n_ubatch);
    cJSON *kv = pls_json_object(j, o, "kv_type");
    pls_json_text(j, kv, "k", pls_type_info(p->setting.type_k)->name);
    pls_json_text(j, kv, "v", pls_type_info(p->setting.type_v)->name);
    pls_json_flag(j, o, "flash_attention", p->setting.flash_attention);
    pls_json_i64(j, o, "gpu_layers", p->gpu_layers);
}

static void add_bytes(struct pls_json *j, cJSON *to, const struct pls_plan *p)
{
    cJSON *o = pls_json_object(j, to, "bytes");
    pls_json_u64(j, o, "tensor_data", p->tensor_data_bytes);
    pls_json_u64(j, o, "file", p->file_bytes);
    add_classes(j, o, &p->bytes);
    cJSON *types = pls_json_object(j, to, "tensor_types");
    for (int i = 0; i < PLS_TYPE_COUNT; i++) {
        const char *name = pls_type_info((enum pls_type)i)->name;
        if (p->types[i].tensors != 0 && name != NULL) {
            cJSON *t = pls_json_object(j, types, name);
            pls_json_u64(j, t, "tensors", p->types[i].tensors);
            pls_json_u64(j, t, "bytes", p->types[i].bytes);
        }
    }
}

static void add_placement(struct pls_json *j, cJSON *to, const struct pls_plan *p,
                          const struct pls_machine *m)
{
    cJSON *array = pls_json_array(j, to, "placement");
    for (uint32_t i = 0; i < p->n_shares; i++) {
        const struct pls_share *s = &p->shares[i];
        cJSON *o = pls_json_object(j, array, NULL);
        pls_json_text(j, o, "pool", s->pool >= 0 ? m->pools[s->pool].id : NULL);
        pls_json_u64(j, o, "layers", s->n_layers);
        add_classes(j, o, &s->bytes);
        pls_json_u64(j, o, "budget_bytes", s->budget_bytes);
        pls_json_i64(j, o, "margin_bytes", s->margin_bytes);
    }
}

static void add_verdict(struct pls_json *j, cJSON *o, const struct pls_plan *p)
{
    pls_json_flag(j, o, "fits", p->fit == PLS_FIT_YES);
    pls_json_flag(j, o, "streams_from_disk", p->fit == PLS_FIT_STREAMS);
    pls_json_text(j, o, "first_misfit", p->first_misfit);
    pls_json_i64(j, o, "margin_bytes", p->margin_bytes);
    pls_json_u64(j, o, "context_fit_tokens", p->context_fit_tokens);
    pls_json_u64(j, o, "uncertainty_bytes", p->uncertainty_bytes);
}

static void add_speed(struct pls_json *j, cJSON *to, const struct pls_speed *s)
{
    cJSON *o = pls_json_object(j, to, "speed");
    bool known = s->decode_tps > 0;
    pls_json_rate(j, o, "decode_tps", s->decode_tps);
    pls_json_rate(j, o, "decode_low_tps", s->decode_low_tps);
    pls_json_rate(j, o, "decode_high_tps", s->decode_high_tps);
    pls_json_rate(j, o, "prefill_tps", s->prefill_tps);
    pls_json_rate(j, o, "prefill_low_tps", s->prefill_low_tps);
    pls_json_rate(j, o, "prefill_high_tps", s->prefill_high_tps);
    pls_json_rate(j, o, "ttft_s", s->ttft_s);
    pls_json_u64(j, o, "at_context_tokens", s->at_context_tokens);
    pls_json_text(j, o, "bound", known ? pls_bound_name(s->bound) : NULL);
    pls_json_text(j, o, "origin", known ? pls_origin_name(s->origin) : NULL);
}

static void add_quality(struct pls_json *j, cJSON *to, const struct pls_quality *q)
{
    cJSON *o = pls_json_object(j, to, "quality");
    pls_json_rate(j, o, "score", q->score);
    pls_json_rate(j, o, "base", q->base);
    pls_json_rate(j, o, "retention", q->retention);
    pls_json_text(j, o, "evidence", pls_evidence_name(q->evidence));
}

static void add_commands(struct pls_json *j, cJSON *to, const struct pls_entry *entry)
{
    cJSON *o = pls_json_object(j, to, "commands");
    for (const char *const *r = pls_command_runtimes(entry); *r != NULL; r++) {
        char room[COMMAND_CAP];
        struct pls_text t = PLS_TEXT(room);
        pls_command_line(entry, *r, &t);
        if (t.len > 0 && !t.truncated) {
            pls_json_text(j, o, *r, room);
        }
    }
}

static void add_note(struct pls_json *j, cJSON *array, const char *code, const char *text)
{
    cJSON *o = pls_json_object(j, array, NULL);
    pls_json_text(j, o, "code", code);
    pls_json_text(j, o, "text", text);
}

/* Of the runtime that was asked for: what its command needs first, or why there is none. */
static void add_command_notes(struct pls_json *j, cJSON *array, const struct pls_entry *entry)
{
    const char *runtime = pls_command_runtimes(entry)[0];
    char room[COMMAND_CAP];
    struct pls_text t = PLS_TEXT(room);
    pls_command_wants(entry, runtime, &t);
    if (t.len > 0) {
        add_note(j, array, pls_text_equal(runtime, "llama.cpp") ? "no-repository" : "before-command", room);
        return;
    }
    pls_command_lacks(entry, runtime, &t);
    if (t.len > 0 && !entry->is_draft) {
        add_note(j, array, "no-command", room);
    }
}

static void add_notes(struct pls_json *j, cJSON *to, const struct pls_entry *entry)
{
    const struct pls_plan *p = entry->plan;
    cJSON *array = pls_json_array(j, to, "notes");
    for (uint32_t i = 0; i < p->n_notes; i++) {
        add_note(j, array, p->notes[i].code, p->notes[i].text);
    }
    add_command_notes(j, array, entry);
}

static void add_pick(struct pls_json *j, cJSON *o, const struct pls_pick *pick, uint32_t rank)
{
    pls_json_u64(j, o, "rank", rank);
    pls_json_number(j, o, "score", pick->score);
    cJSON *reasons = pls_json_array(j, o, "reasons");
    for (uint32_t bit = 0; bit < 32; bit++) {
        if ((pick->reasons & 1u << bit) != 0) {
            pls_json_text(j, reasons, NULL, pls_reason_name((enum pls_reason)(1u << bit)));
        }
    }
    pls_json_flag(j, o, "pareto", pick->is_pareto);
}

static void add_siblings(struct pls_json *j, cJSON *o, const struct pls_entry *entry)
{
    cJSON *also = pls_json_array(j, o, "also");
    for (uint32_t i = 0; i < entry->n_also; i++) {
        pls_json_text(j, also, NULL, entry->also[i].id);
    }
}

void pls_document_entry(struct pls_json *j, cJSON *o, const struct pls_entry *entry,
                        const struct pls_machine *machine, uint32_t rank)
{
    const struct pls_plan *p = entry->plan;
    if (entry->pick != NULL) {
        add_pick(j, o, entry->pick, rank);
        add_siblings(j, o, entry);
    }
    add_model(j, o, entry->model);
    add_setting(j, o, p);
    add_bytes(j, o, p);
    add_placement(j, o, p, machine);
    add_verdict(j, o, p);
    add_speed(j, o, &p->speed);
    add_quality(j, o, &p->quality);
    add_commands(j, o, entry);
    add_notes(j, o, entry);
}

static enum pls_code write_lines(struct pls_json *j, const cJSON *array, FILE *to, struct pls_err *err)
{
    enum pls_code code = PLS_OK;
    for (const cJSON *item = array != NULL ? array->child : NULL; item != NULL && code == PLS_OK;
         item = item->next) {
        code = pls_json_line(j, item, to, err);
    }
    return code;
}

static cJSON *add_entries(struct pls_json *j, const char *key, const struct pls_report *report)
{
    cJSON *array = pls_json_array(j, j->root, key);
    for (uint32_t i = 0; i < report->n_entries; i++) {
        cJSON *o = pls_json_object(j, array, NULL);
        pls_document_entry(j, o, &report->entries[i], report->machine, i + 1);
    }
    return array;
}

void pls_document_machine(struct pls_json *j, cJSON *object, const struct pls_machine *machine)
{
    cJSON *o = pls_json_object(j, object, "machine");
    pls_json_text(j, o, "schema", "plimsoll.probe/1");
    pls_json_text(j, o, "version", PLS_VERSION);
    pls_record_write(j, o, machine);
}

enum pls_code pls_json_plan(FILE *to, bool lines, const struct pls_report *report, struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.plan/1");
    pls_document_machine(&j, j.root, report->machine);
    cJSON *plans = add_entries(&j, "plans", report);
    cJSON *o = pls_json_object(&j, j.root, "together");
    pls_json_flag(&j, o, "fits", report->together.fits);
    pls_json_u64(&j, o, "total_bytes", report->together.total_bytes);
    pls_json_i64(&j, o, "margin_bytes", report->together.margin_bytes);
    enum pls_code code = lines ? write_lines(&j, plans, to, err) : pls_json_write(&j, to, err);
    pls_json_end(&j);
    return code;
}

enum pls_code pls_json_fit(FILE *to, bool lines, const struct pls_report *report, struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.fit/1");
    pls_document_machine(&j, j.root, report->machine);
    pls_json_text(&j, j.root, "task", pls_task_name(report->policy->task));
    pls_json_u64(&j, j.root, "models_considered", report->n_models);
    pls_json_u64(&j, j.root, "configs_considered", report->n_considered);
    cJSON *configs = add_entries(&j, "configs", report);
    enum pls_code code = lines ? write_lines(&j, configs, to, err) : pls_json_write(&j, to, err);
    pls_json_end(&j);
    return code;
}

enum pls_code pls_json_machine(FILE *to, bool lines, const struct pls_machine *machine, struct pls_err *err)
{
    struct pls_json j = pls_json_begin("plimsoll.probe/1");
    pls_record_write(&j, j.root, machine);
    enum pls_code code = lines ? pls_json_line(&j, j.root, to, err) : pls_json_write(&j, to, err);
    pls_json_end(&j);
    return code;
}
