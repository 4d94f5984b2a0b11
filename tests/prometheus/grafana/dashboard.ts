// SPDX-License-Identifier: LGPL-2.1-or-later
// What a dashboard may have, by the types that Grafana publishes (@grafana/schema). test-grafana.sh puts the dashboard behind it as
// `export const dashboard: Checked = ...`, and the compiler says what is not so: an unknown field, a word that none of Grafana's is, a wrong type.
import type * as raw from './node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import type * as stat from './node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import type * as timeline from './node_modules/@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/types.gen';
import type * as timeseries from './node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';

// As JSON has it: the members of an enum are their texts.
type Json<T> = T extends string ? `${T}`
	: T extends number ? number
	: T extends readonly (infer U)[] ? Json<U>[]
	: unknown extends T ? T
	: T extends object ? { [K in keyof T]: Json<T[K]> }
	: T;

interface Query {
	datasource: { type: 'prometheus'; uid: string };
	expr: string;
	legendFormat: string;
	refId: string;
	editorMode?: 'code' | 'builder';
	range?: boolean;
	instant?: boolean;
	exemplar?: boolean;
	format?: 'time_series' | 'table' | 'heatmap';
	interval?: string;
	hide?: boolean;
}
type Defaults<Custom> = Omit<Json<raw.FieldConfig>, 'custom'> & { custom?: Custom };
type PanelOf<Type, Options, Custom> = Omit<Json<raw.Panel>, 'type' | 'options' | 'targets' | 'fieldConfig'> & {
	type: Type;
	title: string;
	description: string;
	targets: Query[];
	options: Json<Options>;
	fieldConfig: { defaults: Defaults<Json<Custom>>; overrides: Json<raw.FieldConfigSource>['overrides'] };
};
type Panel = PanelOf<'stat', stat.Options, never> | PanelOf<'state-timeline', timeline.Options, timeline.FieldConfig> |
	PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>;
type Row = Omit<Json<raw.RowPanel>, 'panels'> & { panels: Panel[] };
// `definition` is what the query editor of Prometheus shows of a variable; it is that plugin's own.
type Variable = Json<raw.VariableModel> & { definition?: string };
export type Checked = Omit<Json<raw.Dashboard>, 'panels' | 'templating'> & { panels: (Panel | Row)[]; templating: { list: Variable[] } };
