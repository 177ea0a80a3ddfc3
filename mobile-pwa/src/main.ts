import { startHive } from './data/hive.ts';
import { applyTheme, readTheme } from './data/theme.ts';
import './components/hive-app.ts';

applyTheme(readTheme());
startHive();
